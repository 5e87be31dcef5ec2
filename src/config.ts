import { isIP } from 'node:net'

/** Every setting, parsed and range-checked. Durations carry their unit in the name. */
export interface Config {
  readonly host: string
  readonly port: number
  /** `postgres://…`; without it an embedded database in `dataDir`. */
  readonly databaseUrl: string | undefined
  readonly dataDir: string
  /** At least 32 bytes; undefined: generated into `dataDir`. */
  readonly secret: Uint8Array | undefined
  readonly issuer: string
  readonly audience: string
  readonly accessTokenSeconds: number
  readonly sessionIdleSeconds: number
  readonly sessionMaxSeconds: number
  readonly refreshReuseSeconds: number
  readonly refreshReuseEnds: 'session' | 'user'
  readonly revocation: 'view' | 'strict'
  readonly leaseMs: number
  /** Origins that may use the cookie; undefined: the server's own only. */
  readonly allowedOrigins: readonly string[] | undefined
  /** The fewest code points of a new password. */
  readonly passwordMinLength: number
  /** What an access token is tied to, against its theft. */
  readonly bind: 'none' | 'ip' | 'cookie'
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
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
 * Reads the settings from environment variables: the only place that knows their names.
 *
 * @param env usually `process.env`; an empty string counts as unset
 * @throws ConfigError once, with every problem
 * @example
 * const config = readConfig({ PORT: '0', ANNUL_ACCESS_TOKEN_SECONDS: '300' })
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const text = (name: string) => env[name]?.trim() || undefined

  const whole = (name: string, fallback: number, min: number, max: number): number => {
    const value = text(name)
    if (value === undefined) return fallback
    const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    problems.push(`${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}.`)
    return fallback
  }

  const oneOf = <T extends string>(name: string, fallback: T, ...others: T[]): T => {
    const value = text(name)
    const found = [fallback, ...others].find(choice => choice === (value ?? fallback))
    if (found !== undefined) return found
    problems.push(`${name} must be one of ${[fallback, ...others].join(', ')}, not ${JSON.stringify(value)}.`)
    return fallback
  }

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
    leaseMs: whole('ANNUL_LEASE_MS', 2000, 200, 60_000),
    allowedOrigins: list('ANNUL_ALLOWED_ORIGINS', originProblem),
    passwordMinLength: whole('ANNUL_PASSWORD_MIN_LENGTH', 15, 8, 64),
    bind: oneOf('ANNUL_BIND', 'none', 'ip', 'cookie'),
    trustedProxies: list('ANNUL_TRUSTED_PROXIES', addressProblem) ?? [],
  }

  if (config.databaseUrl !== undefined) problems.push(...databaseUrlProblems(config.databaseUrl))
  if (config.secret === undefined && text('ANNUL_SECRET') === undefined) {
    if (config.databaseUrl !== undefined)
      problems.push(`ANNUL_SECRET is required when DATABASE_URL is set. ${makeOne}`)
    else if (env.NODE_ENV === 'production')
      problems.push(`ANNUL_SECRET is required when NODE_ENV is production. ${makeOne}`)
  }
  // Memory need not know when sessions expire, because no access token outlives its session (revocation/view.ts).
  if (config.sessionIdleSeconds < config.accessTokenSeconds)
    problems.push('ANNUL_SESSION_IDLE_SECONDS must not be less than ANNUL_ACCESS_TOKEN_SECONDS.')
  if (config.sessionMaxSeconds < config.sessionIdleSeconds)
    problems.push('ANNUL_SESSION_MAX_SECONDS must not be less than ANNUL_SESSION_IDLE_SECONDS.')

  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

const makeOne = 'Make one with: openssl rand -base64 32'

/**
 * At least 32 bytes that may be random. Of 32 random bytes about 30 differ from each other, and fewer than 8 never come
 * up: those are a key that was held down, a pattern, or an emptied buffer.
 */
export function isRandomSecret(secret: Uint8Array): boolean {
  return secret.length >= 32 && new Set(secret).size >= 8
}

/** The value never stands in the message: a mistyped secret is still most of a secret. */
function readSecret(value: string | undefined, problems: string[]): Uint8Array | undefined {
  if (value === undefined) return undefined
  const secret = Buffer.from(value, 'base64')
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(value) || !isRandomSecret(secret)) {
    problems.push(`ANNUL_SECRET must be at least 32 random bytes in base64. ${makeOne}`)
    return undefined
  }
  return secret
}

/** Here too the value, which holds a password, never stands in the message. */
function databaseUrlProblems(url: string): string[] {
  if (!/^postgres(ql)?:\/\/./.test(url)) return ['DATABASE_URL must start with postgres:// or postgresql://.']
  // Of several hosts, separated by commas, the first.
  if (URL.canParse(url.replace(/,[^@/?]*(?=[/?]|$)/, ''))) return []
  return ['DATABASE_URL is not a URL. In user name and password, special characters must be percent-encoded.']
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
