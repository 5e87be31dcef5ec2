import { type LogLevel, logLevels } from './log.ts'
import { nearest } from './names.ts'
import {
  type Address,
  addressProblem,
  databaseUrlProblems,
  makeOne,
  originProblem,
  readBreachUrl,
  readLinks,
  readMailFrom,
  readMetrics,
  readPublicUrl,
  readRedisUrl,
  readSecret,
  readSiteName,
  readSmtpUrl,
  roleProblem,
} from './settingValues.ts'

/** The longest ANNUL_LEASE_MS. A revocation waits this long while the leases of the nodes are not known. */
export const longestLeaseMs = 60_000

/** Every setting, parsed and range-checked. Durations carry their unit in the name. */
export interface Config {
  /** Where Annul's own server listens; default 127.0.0.1. */
  readonly host: string
  /** 0 to 65535, default 4000; 0 takes any free port. For Annul's own server. */
  readonly port: number
  /** `postgres://…`; without it an embedded database in `dataDir`. */
  readonly databaseUrl: string | undefined
  /** The embedded database, and the generated secret; default ./.annul. */
  readonly dataDir: string
  /** At least 32 bytes; undefined: generated into `dataDir`. */
  readonly secret: Uint8Array | undefined
  /** The claim `iss`, the same on every node; default `annul`. */
  readonly issuer: string
  /** The claim `aud`, the same on every node; default `annul`. */
  readonly audience: string
  /** The life of an access token: 30 to 3600, default 600. */
  readonly accessTokenSeconds: number
  /** A session ends after this long unused; default 2,592,000 (30 days). */
  readonly sessionIdleSeconds: number
  /** A session ends after this long in any case; default 15,552,000 (180 days). */
  readonly sessionMaxSeconds: number
  /** Grace for clients that send no attempt: 0 to 60, default 0. A theft within the grace is not detected. */
  readonly refreshReuseSeconds: number
  /** What a detected theft ends; default `session`. */
  readonly refreshReuseEnds: 'session' | 'user'
  /** Whether requests are decided from memory (default), or by a read of the version column each. */
  readonly revocation: 'view' | 'strict'
  /** The longest that a node decides from memory without hearing from the database: 200 to 60,000, default 2000. */
  readonly leaseMs: number
  /** Origins that may use the cookie; undefined: the server's own only. */
  readonly allowedOrigins: readonly string[] | undefined
  /** The fewest code points of a new password. */
  readonly passwordMinLength: number
  /** What an access token is tied to, against its theft. */
  readonly bind: 'none' | 'ip' | 'cookie'
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  /** The most WebSockets of one client address. */
  readonly socketsPerAddress: number
  /** The most WebSockets in all. */
  readonly sockets: number
  /** Whether clients may ask for the schema, and errors suggest names of it. */
  readonly introspection: boolean
  /** Whether browsers get the console, a page to look at: on `/` of Annul's own server, and on `/graphql`. */
  readonly console: boolean
  /** Where /metrics is: on the server's own port, nowhere, or on a listener of its own. */
  readonly metrics: 'on' | 'off' | Address
  /** Roles that an access token carries only when its `amr` has a second factor; default none. */
  readonly mfaRoles: readonly string[]
  /** How long audit events are kept. */
  readonly auditDays: number
  /** Base of the links in mails, without a slash at its end; undefined: the address that the server listens on. */
  readonly publicUrl: string | undefined
  /** The name in mails, which no password may be either; default `Annul`. */
  readonly siteName: string
  /** URL template of the links in mails, with `{purpose}` and `{token}`; undefined: Annul's own pages. */
  readonly links: string | undefined
  /** `smtp://` or `smtps://user:password@host:port`; undefined: mails are files in `dataDir`/outbox. */
  readonly smtpUrl: string | undefined
  /** The sender of mails; default: `no-reply@` and the host of `publicUrl`. */
  readonly mailFrom: string | undefined
  /** Whether an account begins when its e-mail was verified, so that `register` answers null; default false. */
  readonly requireVerifiedEmail: boolean
  /** Whether attempts are counted and bounded; default true. `off` is for load tests. */
  readonly limits: boolean
  /** Where the hash of a new password is looked up among breached ones (k-anonymity range query); undefined: nowhere. */
  readonly breachUrl: string | undefined
  /** The most requests at a time, 1 to 100,000, default 200. Further ones are refused with 503. */
  readonly maxInFlight: number
  /** The file with the only operations that are answered; undefined: every operation is. */
  readonly operations: string | undefined
  /** The algorithm of new signing keys; default ES256. */
  readonly signingAlgorithm: 'ES256' | 'RS256' | 'PS256'
  /** Days until a signing key is followed by the next one, 1 to 365, default 30. */
  readonly keyDays: number
  /** The secret before the last change, while refresh tokens of it are still accepted. */
  readonly secretPrevious: Uint8Array | undefined
  /** How long a verifier may take to acknowledge, before it is left out for a while: 50 to 10,000, default 500. */
  readonly feedAckMs: number
  /** `redis://…` or `rediss://…` of the mirror (docs/fleet.md); undefined: none. */
  readonly redisUrl: string | undefined
  /** Whether `/graphql` is a subgraph of Federation 2; default false. */
  readonly federation: boolean
  /** The least severe lines that are written; default `info`. */
  readonly logLevel: LogLevel
}

/** Every problem of the settings, one a line. The command answers it with exit status 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `The settings have ${problems.length === 1 ? 'a problem' : 'problems'}:\n${problems.map(p => `  ${p}`).join('\n')}`,
    )
    this.problems = problems
  }
}

/**
 * Reads the settings from environment variables. This is the only place that knows their names. A name that begins with
 * ANNUL_ and is no setting is a problem: otherwise a mistyped setting would have no effect, without any sign.
 *
 * @param env usually `process.env`; an empty string counts as unset
 * @throws ConfigError once, with every problem
 * @example
 * const config = readConfig({ PORT: '0', ANNUL_ACCESS_TOKEN_SECONDS: '300' })
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const names = new Set<string>()
  const text = (name: string) => {
    names.add(name)
    return env[name]?.trim() || undefined
  }
  const production = env.NODE_ENV === 'production'

  const whole = (name: string, fallback: number, min: number, max: number): number => {
    const value = text(name)
    if (value === undefined) return fallback
    const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    problems.push(`${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}.`)
    return fallback
  }

  const choose = <T extends string>(name: string, fallback: T, choices: readonly T[]): T => {
    const value = text(name)
    const found = choices.find(choice => choice === (value ?? fallback))
    if (found !== undefined) return found
    problems.push(`${name} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}.`)
    return fallback
  }
  const oneOf = <T extends string>(name: string, fallback: T, ...others: T[]): T =>
    choose(name, fallback, [fallback, ...others])
  /** For what helps developers and attackers alike: on by default, and off in production. */
  const onOff = (name: string): boolean => choose(name, production ? 'off' : 'on', ['on', 'off']) === 'on'

  const list = (name: string, problemOf: (item: string) => string | undefined): string[] | undefined => {
    const items = text(name)
      ?.split(',')
      .map(item => item.trim())
      .filter(item => item !== '')
    for (const item of items ?? []) {
      const problem = problemOf(item)
      if (problem) problems.push(`${name}: ${problem}`)
    }
    return items
  }

  const name = (variable: string): string => {
    const value = text(variable) ?? 'annul'
    if (value.length > 255) problems.push(`${variable} must have at most 255 characters.`)
    return value
  }

  const config: Config = {
    host: text('HOST') ?? '127.0.0.1',
    port: whole('PORT', 4000, 0, 65535),
    databaseUrl: text('DATABASE_URL'),
    dataDir: text('ANNUL_DATA_DIR') ?? './.annul',
    secret: readSecret('ANNUL_SECRET', text('ANNUL_SECRET'), problems),
    issuer: name('ANNUL_ISSUER'),
    audience: name('ANNUL_AUDIENCE'),
    accessTokenSeconds: whole('ANNUL_ACCESS_TOKEN_SECONDS', 600, 30, 3600),
    sessionIdleSeconds: whole('ANNUL_SESSION_IDLE_SECONDS', 2_592_000, 60, 315_360_000),
    sessionMaxSeconds: whole('ANNUL_SESSION_MAX_SECONDS', 15_552_000, 60, 315_360_000),
    refreshReuseSeconds: whole('ANNUL_REFRESH_REUSE_SECONDS', 0, 0, 60),
    refreshReuseEnds: oneOf('ANNUL_REFRESH_REUSE_ENDS', 'session', 'user'),
    revocation: oneOf('ANNUL_REVOCATION', 'view', 'strict'),
    leaseMs: whole('ANNUL_LEASE_MS', 2000, 200, longestLeaseMs),
    allowedOrigins: list('ANNUL_ALLOWED_ORIGINS', originProblem),
    passwordMinLength: whole('ANNUL_PASSWORD_MIN_LENGTH', 15, 8, 64),
    bind: oneOf('ANNUL_BIND', 'none', 'ip', 'cookie'),
    trustedProxies: list('ANNUL_TRUSTED_PROXIES', addressProblem) ?? [],
    socketsPerAddress: whole('ANNUL_SOCKETS_PER_ADDRESS', 100, 1, 1_000_000),
    sockets: whole('ANNUL_SOCKETS', 10_000, 1, 1_000_000),
    introspection: onOff('ANNUL_INTROSPECTION'),
    console: onOff('ANNUL_CONSOLE'),
    metrics: readMetrics(text('ANNUL_METRICS') ?? (production ? 'off' : 'on'), problems),
    mfaRoles: list('ANNUL_MFA_ROLES', roleProblem) ?? [],
    auditDays: whole('ANNUL_AUDIT_DAYS', 400, 1, 36_500),
    publicUrl: readPublicUrl(text('ANNUL_PUBLIC_URL'), problems),
    siteName: readSiteName(text('ANNUL_SITE_NAME'), problems),
    links: readLinks(text('ANNUL_LINKS'), problems),
    smtpUrl: readSmtpUrl(text('ANNUL_SMTP_URL'), problems),
    mailFrom: readMailFrom(text('ANNUL_MAIL_FROM'), problems),
    requireVerifiedEmail: ['true', 'on'].includes(
      oneOf('ANNUL_REQUIRE_VERIFIED_EMAIL', 'false', 'true', 'on', 'off'),
    ),
    limits: oneOf('ANNUL_LIMITS', 'on', 'off') === 'on',
    breachUrl: readBreachUrl(text('ANNUL_BREACH_URL'), problems),
    maxInFlight: whole('ANNUL_MAX_IN_FLIGHT', 200, 1, 100_000),
    operations: text('ANNUL_OPERATIONS'),
    signingAlgorithm: oneOf('ANNUL_SIGNING_ALGORITHM', 'ES256', 'RS256', 'PS256'),
    keyDays: whole('ANNUL_KEY_DAYS', 30, 1, 365),
    secretPrevious: readSecret('ANNUL_SECRET_PREVIOUS', text('ANNUL_SECRET_PREVIOUS'), problems),
    feedAckMs: whole('ANNUL_FEED_ACK_MS', 500, 50, 10_000),
    redisUrl: readRedisUrl(text('ANNUL_REDIS_URL'), problems),
    federation: oneOf('ANNUL_FEDERATION', 'off', 'on') === 'on',
    logLevel: choose('ANNUL_LOG_LEVEL', 'info', logLevels),
  }

  if (config.databaseUrl !== undefined) problems.push(...databaseUrlProblems(config.databaseUrl))
  if (config.secret === undefined && text('ANNUL_SECRET') === undefined) {
    if (config.databaseUrl !== undefined)
      problems.push(`ANNUL_SECRET is required when DATABASE_URL is set. ${makeOne}`)
    else if (production) problems.push(`ANNUL_SECRET is required when NODE_ENV is production. ${makeOne}`)
  }
  if (config.secretPrevious !== undefined && config.secret !== undefined)
    if (Buffer.compare(config.secretPrevious, config.secret) === 0)
      problems.push('ANNUL_SECRET_PREVIOUS must be another secret than ANNUL_SECRET.')
  // For verifiers, which read it by themselves (verify/). A node of Annul's needs none.
  names.add('ANNUL_SERVICE')
  // The view need not know when sessions expire, because no access token outlives its session (revocation/view.ts).
  if (config.sessionIdleSeconds < config.accessTokenSeconds)
    problems.push('ANNUL_SESSION_IDLE_SECONDS must not be less than ANNUL_ACCESS_TOKEN_SECONDS.')
  if (config.sessionMaxSeconds < config.sessionIdleSeconds)
    problems.push('ANNUL_SESSION_MAX_SECONDS must not be less than ANNUL_SESSION_IDLE_SECONDS.')

  if (production && !config.limits) problems.push('ANNUL_LIMITS=off is refused when NODE_ENV is production.')
  // Otherwise nobody could register: the mails would wait in a directory.
  if (production && config.requireVerifiedEmail && config.smtpUrl === undefined)
    problems.push('ANNUL_REQUIRE_VERIFIED_EMAIL needs ANNUL_SMTP_URL when NODE_ENV is production.')

  problems.push(...unknownNames(env, [...names]))
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** A value may be a secret under a mistyped name, so the messages hold names only. */
function unknownNames(env: Readonly<Record<string, string | undefined>>, known: readonly string[]): string[] {
  return Object.keys(env)
    .filter(name => name.startsWith('ANNUL_') && env[name]?.trim() && !known.includes(name))
    .map(name => `${name} is not a setting. The nearest name is ${nearest(name, known)}.`)
}
