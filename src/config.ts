import { isIP } from 'node:net'
import { type LogLevel, logLevels } from './log.ts'

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
  /** Where /metrics is: on the server's own port, nowhere, or on a listener of its own. */
  readonly metrics: 'on' | 'off' | Address
  /** How long audit events are kept. */
  readonly auditDays: number
  /** The least severe lines that are written; default `info`. */
  readonly logLevel: LogLevel
}

/** Where a listener listens. */
export interface Address {
  readonly host: string
  readonly port: number
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
    secret: readSecret(text('ANNUL_SECRET'), problems),
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
    metrics: readMetrics(text('ANNUL_METRICS') ?? (production ? 'off' : 'on'), problems),
    auditDays: whole('ANNUL_AUDIT_DAYS', 400, 1, 36_500),
    logLevel: choose('ANNUL_LOG_LEVEL', 'info', logLevels),
  }

  if (config.databaseUrl !== undefined) problems.push(...databaseUrlProblems(config.databaseUrl))
  if (config.secret === undefined && text('ANNUL_SECRET') === undefined) {
    if (config.databaseUrl !== undefined)
      problems.push(`ANNUL_SECRET is required when DATABASE_URL is set. ${makeOne}`)
    else if (production) problems.push(`ANNUL_SECRET is required when NODE_ENV is production. ${makeOne}`)
  }
  // The view need not know when sessions expire, because no access token outlives its session (revocation/view.ts).
  if (config.sessionIdleSeconds < config.accessTokenSeconds)
    problems.push('ANNUL_SESSION_IDLE_SECONDS must not be less than ANNUL_ACCESS_TOKEN_SECONDS.')
  if (config.sessionMaxSeconds < config.sessionIdleSeconds)
    problems.push('ANNUL_SESSION_MAX_SECONDS must not be less than ANNUL_SESSION_IDLE_SECONDS.')

  problems.push(...unknownNames(env, [...names]))
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

const makeOne = 'Make one with: openssl rand -base64 32'

/**
 * At least 32 bytes that may be random. Of 32 random bytes about 30 are different from each other. Fewer than 8 come
 * from a key that was held down, a repeated pattern or a zeroed buffer.
 */
export function isRandomSecret(secret: Uint8Array): boolean {
  return secret.length >= 32 && new Set(secret).size >= 8
}

/** The message never holds the value: a mistyped secret is still most of a secret. */
function readSecret(value: string | undefined, problems: string[]): Uint8Array | undefined {
  if (value === undefined) return undefined
  const secret = Buffer.from(value, 'base64')
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(value) || !isRandomSecret(secret)) {
    problems.push(`ANNUL_SECRET must be at least 32 random bytes in base64. ${makeOne}`)
    return undefined
  }
  return secret
}

/** The messages never hold the value, because a URL of a database holds a password. */
function databaseUrlProblems(url: string): string[] {
  if (!/^postgres(ql)?:\/\/./.test(url)) return ['DATABASE_URL must start with postgres:// or postgresql://.']
  // URL knows one host only: of several hosts, separated by commas, the first is checked.
  if (isReadable(url.replace(/,[^@/?]*(?=[/?]|$)/, ''))) return []
  return ['DATABASE_URL is not a URL. In user name and password, special characters must be percent-encoded.']
}

/** Also by the driver, which decodes user name and password: a URL may hold a "%" that stands for nothing. */
function isReadable(url: string): boolean {
  try {
    const { username, password } = new URL(url)
    decodeURIComponent(username)
    decodeURIComponent(password)
    return true
  } catch {
    return false
  }
}

function originProblem(origin: string): string | undefined {
  if (URL.canParse(origin) && /^https?:/.test(origin) && new URL(origin).origin === origin) return undefined
  return `${JSON.stringify(origin)} is not an origin such as https://app.example.com (scheme and host, no path).`
}

function addressProblem(range: string): string | undefined {
  const [address = '', bits, ...rest] = range.split('/')
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  const valid =
    rest.length === 0 &&
    most > 0 &&
    (bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= most))
  return valid ? undefined : `${JSON.stringify(range)} is not an address or a range such as 10.0.0.0/8.`
}

function readMetrics(value: string, problems: string[]): Config['metrics'] {
  if (value === 'on' || value === 'off') return value
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|([^:]+)):(\d{1,5})$/.exec(value) ?? []
  const host = bracketed ?? bare
  if (host !== undefined && (bare !== undefined || isIP(host) === 6) && Number(port) <= 65_535)
    return { host, port: Number(port) }
  problems.push(
    `ANNUL_METRICS must be on, off, or an address such as 127.0.0.1:9090, not ${JSON.stringify(value)}.`,
  )
  return 'off'
}

/** A value may be a secret under a mistyped name, so the messages hold names only. */
function unknownNames(env: Readonly<Record<string, string | undefined>>, known: readonly string[]): string[] {
  return Object.keys(env)
    .filter(name => name.startsWith('ANNUL_') && env[name]?.trim() && !known.includes(name))
    .map(name => `${name} is not a setting. The nearest name is ${nearest(name, known)}.`)
}

/**
 * Refuses an option that does not exist: a mistyped one would have no effect, without any sign.
 *
 * @param of whose options these are, for the message
 * @param hint stands at the end of the message
 * @throws TypeError with the nearest name
 */
export function refuseUnknownOptions(of: string, options: object, known: readonly string[], hint = ''): void {
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new TypeError(
        `${of} has no option "${name}". The nearest name is "${nearest(name, known)}".${hint}`,
      )
}

/** The name that a mistyped one was meant to be. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map(candidate => ({ candidate, edits: editDistance(name, candidate) }))
    .sort((one, other) => one.edits - other.edits)
  return best?.candidate
}

/** Levenshtein: how many letters must be added, removed or replaced to make one text of the other. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [above, letter] of [...one].entries()) {
    const next = [above + 1]
    for (let at = 1; at <= other.length; at++) {
      const replaced = (row[at - 1] ?? 0) + (letter === other[at - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
