import { type Config, ConfigError, readConfig } from './config.ts'
import { refuseUnknownOptions } from './names.ts'

/** The settings as options. What is not given, or undefined, is read from the environment. */
export type Settings = {
  readonly [Name in keyof Omit<Config, 'secret' | 'secretPrevious'>]?: Config[Name] | undefined
} & {
  /** At least 32 random bytes, or their base64. */
  readonly secret?: Uint8Array | string | undefined
  /** The secret before the last change: as `secret`. */
  readonly secretPrevious?: Uint8Array | string | undefined
}

type Kind = 'string' | 'number' | 'boolean' | 'list' | 'bytes' | 'place'

const kinds: Readonly<Record<keyof Config, Kind>> = {
  host: 'string',
  port: 'number',
  databaseUrl: 'string',
  dataDir: 'string',
  secret: 'bytes',
  issuer: 'string',
  audience: 'string',
  accessTokenSeconds: 'number',
  sessionIdleSeconds: 'number',
  sessionMaxSeconds: 'number',
  refreshReuseSeconds: 'number',
  refreshReuseEnds: 'string',
  revocation: 'string',
  leaseMs: 'number',
  allowedOrigins: 'list',
  passwordMinLength: 'number',
  bind: 'string',
  trustedProxies: 'list',
  socketsPerAddress: 'number',
  sockets: 'number',
  introspection: 'boolean',
  console: 'boolean',
  metrics: 'place',
  mfaRoles: 'list',
  auditDays: 'number',
  publicUrl: 'string',
  siteName: 'string',
  links: 'string',
  smtpUrl: 'string',
  mailFrom: 'string',
  requireVerifiedEmail: 'boolean',
  limits: 'boolean',
  breachUrl: 'string',
  maxInFlight: 'number',
  operations: 'string',
  signingAlgorithm: 'string',
  keyDays: 'number',
  secretPrevious: 'bytes',
  feedAckMs: 'number',
  redisUrl: 'string',
  federation: 'boolean',
  logLevel: 'string',
}

/** How the message about a wrong type names the right one. */
const expected: Readonly<Record<Kind, string>> = {
  string: 'a text that is not empty',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list of texts',
  bytes: 'bytes (Uint8Array), or their base64',
  place: '"on", "off", or { host, port }',
}

/**
 * The settings that options and environment give together.
 *
 * @param others names of options that are no settings
 * @param of whose options these are, for the message about an unknown one
 * @throws TypeError for an unknown name (with the nearest known one) and for a value of the wrong type
 * @throws ConfigError for values out of range, once, with every problem
 */
export function readOptions(
  options: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
  others: readonly string[],
  of = 'createAuth',
): Config {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${of} takes one object with options.`)
  // An option that is undefined is not given.
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  refuseUnknownOptions(of, Object.fromEntries(entries), [...Object.keys(kinds), ...others])
  const given = new Map<string, string>()
  const texts: Record<string, string> = {}
  for (const [name, value] of entries) {
    if (!isSetting(name)) continue
    const text = textOf(kinds[name], value)
    // The value may be a secret, and is not shown.
    if (text === undefined)
      throw new TypeError(`The option "${name}" must be ${expected[kinds[name]]}, not ${typeOf(value)}.`)
    given.set(variableOf(name), name)
    texts[variableOf(name)] = text
  }
  try {
    return readConfig({ ...env, ...texts })
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(error.problems.map(named(given))) : error
  }
}

function isSetting(name: string): name is keyof Config {
  return Object.hasOwn(kinds, name)
}

function variableOf(name: string): string {
  if (name === 'host' || name === 'port') return name.toUpperCase()
  const snake = name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
  return name === 'databaseUrl' ? snake : `ANNUL_${snake}`
}

/** As the environment would hold it; undefined for a value of the wrong type. */
function textOf(kind: Kind, value: unknown): string | undefined {
  switch (kind) {
    case 'bytes':
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
      return textOf('string', value)
    case 'string':
      return typeof value === 'string' && value.trim() !== '' ? value : undefined
    case 'number':
      return typeof value === 'number' ? String(value) : undefined
    case 'boolean':
      return typeof value === 'boolean' ? (value ? 'on' : 'off') : undefined
    case 'list':
      return Array.isArray(value) && value.every(item => typeof item === 'string') ? value.join() : undefined
    case 'place': {
      if (typeof value === 'string') return textOf('string', value)
      const { host, port } = Object(value)
      if (typeof host !== 'string' || typeof port !== 'number') return undefined
      return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    }
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list of something else' : value === '' ? 'an empty one' : typeof value
}

/** A problem in the words of its sender: with the option's name in place of the variable's. */
function named(given: ReadonlyMap<string, string>): (problem: string) => string {
  return problem => problem.replace(/\b[A-Z][A-Z_]+\b/g, name => given.get(name) ?? name)
}
