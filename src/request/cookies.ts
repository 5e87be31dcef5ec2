import { randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import { originNotAllowed } from '../errors.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { RefreshClaims } from '../tokens/refreshToken.ts'
import { header, type RequestLike, type ResponseLike } from './message.ts'

/*
 * Cookie mode: one cookie holds the refresh token, where no script can read it. A second, readable one holds what a
 * script needs to name its attempt. With the prefix `__Host-` a browser accepts a cookie only with Secure and Path=/ and
 * from this host itself, so that no neighbouring subdomain can plant one. Browsers treat localhost as secure.
 */

/** The refresh token. */
const refreshCookie = '__Host-annul-refresh'
/** `sessionId.generation`, for the client's attempt. */
const sessionCookie = '__Host-annul-session'
/** A random value whose hash the access token carries (ANNUL_BIND=cookie). */
const fingerprintCookie = '__Host-annul-fingerprint'
/** The device token (tokens/deviceToken.ts). */
const deviceCookie = '__Host-annul-device'
/** Browsers keep no cookie longer. */
const deviceSeconds = 34_560_000

const httpOnly = '; HttpOnly'

/** The cookies of one request and its answer. Parsed on first use, because most requests never need them. */
export class CookieJar {
  readonly #config: Config
  readonly #request: RequestLike
  readonly #response: ResponseLike
  #sent: Map<string, string> | undefined
  #newFingerprint: string | undefined

  constructor(config: Config, request: RequestLike, response: ResponseLike) {
    this.#config = config
    this.#request = request
    this.#response = response
  }

  get refreshToken(): string | undefined {
    return this.#read(refreshCookie)
  }

  /** The value that the browser's access tokens are bound to. An empty cookie counts as none: nothing is bound to it. */
  get fingerprint(): string | undefined {
    return this.#read(fingerprintCookie) || undefined
  }

  /** A fingerprint for a browser that has none; the same value on every call. `keepFingerprint` sets the cookie. */
  newFingerprint(): string {
    this.#newFingerprint ??= randomBytes(32).toString('base64url')
    return this.#newFingerprint
  }

  get device(): string | undefined {
    return this.#read(deviceCookie)
  }

  setDevice(token: string): void {
    this.#set(deviceCookie, token, deviceSeconds, httpOnly)
  }

  /** Whether the page that sends the request may use the cookie. */
  isAllowed(): boolean {
    return isAllowedOrigin(this.#config, this.#request)
  }

  /** Whether a page of a foreign origin sends the request. */
  isForeign(): boolean {
    return isForeignPage(this.#config, this.#request)
  }

  /** @throws AuthError ORIGIN_NOT_ALLOWED */
  checkOrigin(): void {
    if (!this.isAllowed()) throw originNotAllowed()
  }

  setTokens({ refreshToken, session }: Pick<Tokens, 'refreshToken' | 'session'>): void {
    this.#set(refreshCookie, refreshToken, this.#config.sessionMaxSeconds, httpOnly)
    this.correctSession({ sessionId: session.id, generation: session.generation })
  }

  /** Sets the readable cookie to the session's present generation. */
  correctSession({ sessionId, generation }: RefreshClaims): void {
    this.#set(sessionCookie, `${sessionId}.${generation}`, this.#config.sessionMaxSeconds)
  }

  /** Sets the fingerprint's cookie, if `newFingerprint` made one for the tokens of this answer. */
  keepFingerprint(): void {
    if (this.#newFingerprint !== undefined)
      this.#set(fingerprintCookie, this.#newFingerprint, this.#config.sessionMaxSeconds, httpOnly)
  }

  clear(): void {
    this.#set(refreshCookie, '', 0, httpOnly)
    this.#set(sessionCookie, '', 0)
  }

  #read(name: string): string | undefined {
    this.#sent ??= parseCookies(header(this.#request, 'cookie'))
    return this.#sent.get(name)
  }

  #set(name: string, value: string, seconds: number, attributes = ''): void {
    const all = `${name}=${value}; Max-Age=${seconds}; Path=/; Secure; SameSite=Strict${attributes}`
    this.#response.appendHeader('set-cookie', all)
  }
}

/**
 * Whether a browser sends the request for a page of a foreign origin. A client that sends neither header is no browser, and
 * no page made it send the request.
 */
export function isForeignPage(config: Config, request: RequestLike): boolean {
  const isBrowser = header(request, 'origin') !== undefined || header(request, 'sec-fetch-site') !== undefined
  return isBrowser && !isAllowedOrigin(config, request)
}

/**
 * Whether the page that sends the request may use the cookie. Two other defences leave a gap that this check closes:
 * SameSite=Strict lets neighbouring subdomains through, and Apollo's CSRF prevention only stops what a browser sends
 * without a preflight.
 *
 * Browsers send Origin with every POST. A request with neither Origin nor Sec-Fetch-Site does not come from a browser,
 * and only browsers use the cookie.
 */
export function isAllowedOrigin(config: Config, request: RequestLike): boolean {
  const origin = header(request, 'origin')
  // A page that asks for no Referer has no Origin either: its forms are sent with "null" (Fetch standard). So has a
  // foreign page, which is never "same-origin".
  if (origin === undefined || origin === 'null') return header(request, 'sec-fetch-site') === 'same-origin'
  if (config.allowedOrigins) return config.allowedOrigins.includes(origin)
  // The server's own origin. Only the host is compared, because a proxy that terminates TLS hides the scheme.
  return URL.canParse(origin) && new URL(origin).host === header(request, 'host')
}

function parseCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at).trim()
    if (at > 0 && !cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim())
  }
  return cookies
}
