import { isIP } from 'node:net'

/* The values of settings, from text. A problem is one sentence, with the variable's name. */

/** Where a listener listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

export const makeOne = 'Make one with: openssl rand -base64 32'

/**
 * At least 32 bytes that may be random. Of 32 random bytes about 30 are different from each other. Fewer than 8 come
 * from a key that was held down, a repeated pattern or a zeroed buffer.
 */
export function isRandomSecret(secret: Uint8Array): boolean {
  return secret.length >= 32 && new Set(secret).size >= 8
}

/** The message never holds the value: a mistyped secret is still most of a secret. */
export function readSecret(
  name: string,
  value: string | undefined,
  problems: string[],
): Uint8Array | undefined {
  if (value === undefined) return undefined
  const secret = Buffer.from(value, 'base64')
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(value) || !isRandomSecret(secret)) {
    problems.push(`${name} must be at least 32 random bytes in base64. ${makeOne}`)
    return undefined
  }
  return secret
}

/** The messages never hold the value, because a URL of a database holds a password. */
export function databaseUrlProblems(url: string): string[] {
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

export function originProblem(origin: string): string | undefined {
  if (URL.canParse(origin) && /^https?:/.test(origin) && new URL(origin).origin === origin) return undefined
  return `${JSON.stringify(origin)} is not an origin such as https://app.example.com (scheme and host, no path).`
}

/** Held to the characters that a user's role may have (admin/setUserAccess.ts). */
export function roleProblem(role: string): string | undefined {
  return isRole(role) ? undefined : `${JSON.stringify(role)} is not a role such as admin.`
}

/** A scope is a scope-token of RFC 6749, 3.3, and a role is held to the same characters. */
export function isRole(text: string): boolean {
  return /^[\x21\x23-\x5B\x5D-\x7E]{1,100}$/.test(text)
}

export function addressProblem(range: string): string | undefined {
  const [address = '', bits, ...rest] = range.split('/')
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  const valid =
    rest.length === 0 &&
    most > 0 &&
    (bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= most))
  return valid ? undefined : `${JSON.stringify(range)} is not an address or a range such as 10.0.0.0/8.`
}

export function readMetrics(value: string, problems: string[]): 'on' | 'off' | Address {
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

/** @returns the URL without slashes at its end */
export function readPublicUrl(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined
  const url = httpUrl(value)
  if (url !== undefined && url.search === '' && url.hash === '' && url.username === '' && url.password === '')
    return url.href.replace(/\/+$/, '')
  problems.push('ANNUL_PUBLIC_URL must be a URL such as https://auth.example.com, without query and user.')
  return undefined
}

/** A name stands in the subject of mails, where a line break would begin another header. */
export function readSiteName(value: string | undefined, problems: string[]): string {
  if (value === undefined) return 'Annul'
  if (value.length > 100 || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(value))
    problems.push('ANNUL_SITE_NAME must be one line of at most 100 characters.')
  return value
}

export function readLinks(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined
  const filled = value.replaceAll('{purpose}', 'reset-password').replaceAll('{token}', 'annul_ot_x')
  if (value.includes('{token}') && httpUrl(filled) !== undefined && !/[{}]/.test(filled)) return value
  problems.push(
    'ANNUL_LINKS must be a URL with {token}, and perhaps {purpose}, such as https://app.example.com/{purpose}#{token}.',
  )
  return undefined
}

export function readSmtpUrl(value: string | undefined, problems: string[]): string | undefined {
  const example = 'smtps://user:password@mail.example.com'
  return readServerUrl('ANNUL_SMTP_URL', value, { scheme: /^smtps?:\/\//, example }, problems)
}

export function readRedisUrl(value: string | undefined, problems: string[]): string | undefined {
  const example = 'rediss://user:password@redis.example.com:6379'
  return readServerUrl('ANNUL_REDIS_URL', value, { scheme: /^rediss?:\/\//, example }, problems)
}

/** The message never holds the value, because the URL may hold a password. */
function readServerUrl(
  name: string,
  value: string | undefined,
  { scheme, example }: { scheme: RegExp; example: string },
  problems: string[],
): string | undefined {
  if (value === undefined) return undefined
  if (scheme.test(value) && isReadable(value) && new URL(value).hostname !== '') return value
  problems.push(
    `${name} must be a URL such as ${example}. In user name and password, special characters must be percent-encoded.`,
  )
  return undefined
}

export function readMailFrom(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined
  // "Name <address>", or the address alone.
  if (/^([^<>\p{Cc}]*<)?[^\s@<>]+@[^\s@<>]+>?$/u.test(value) && value.includes('<') === value.includes('>'))
    return value
  problems.push('ANNUL_MAIL_FROM must be an address such as no-reply@example.com, or Name <address>.')
  return undefined
}

export function readBreachUrl(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined
  if (httpUrl(value) !== undefined) return value
  problems.push('ANNUL_BREACH_URL must be a URL such as https://api.pwnedpasswords.com/range/.')
  return undefined
}

function httpUrl(value: string): URL | undefined {
  return /^https?:\/\//.test(value) && URL.canParse(value) ? new URL(value) : undefined
}
