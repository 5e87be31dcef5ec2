import { randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import { originNotAllowed } from '../errors.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { RefreshClaims } from '../tokens/refreshToken.ts'
import { header, type RequestLike, type ResponseLike } from './message.ts'

/*
 * Cookie mode: the refresh token where no script can read it, and beside it what a script needs to name its attempt.
 * `__Host-` makes a browser take them only with Secure and Path=/ and from this very host: no neighbouring subdomain
 * can plant one. Localhost counts as secure.
 */

/** The refresh token. */
const refreshCookie = '__Host-annul-refresh'
/** `sessionId.generation`, for the client's attempt. */
const sessionCookie = '__Host-annul-session'
/** A random value whose hash the access token carries (ANNUL_BIND=cookie). */
const fingerprintCookie = '__Host-annul-fingerprint'

const httpOnly = '; HttpOnly'

/** The cookies of one request and its answer. Parsed when first asked for: most requests have no business with them. */
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

  /** What the browser's access tokens are bound to. An empty cookie is none: no token bound to it would be accepted. */
  get fingerprint(): string | undefined {
    return this.#read(fingerprintCookie) || undefined
  }

  /** For a browser without a fingerprint: the same value each time. `keepFingerprint` sets it. */
  newFingerprint(): string {
    this.#newFingerprint ??= randomBytes(32).toString('base64url')
    return this.#newFingerprint
  }

  /** Whether the page that sends may use the cookie. */
  isAllowed(): boolean {
    return isAllowedOrigin(this.#config, this.#request)
  }

  /** @throws AuthError ORIGIN_NOT_ALLOWED */
  checkOrigin(): void {
    if (!this.isAllowed()) throw originNotAllowed()
  }

  setTokens({ refreshToken, session }: Pick<Tokens, 'refreshToken' | 'session'>): void {
    this.#set(refreshCookie, refreshToken, this.#config.sessionMaxSeconds, httpOnly)
    this.correctSession({ sessionId: session.id, generation: session.generation })
  }

  /** Sets the readable cookie right. */
  correctSession({ sessionId, generation }: RefreshClaims): void {
    this.#set(sessionCookie, `${sessionId}.${generation}`, this.#config.sessionMaxSeconds)
  }

  /** Sets the fingerprint that the tokens of this answer are bound to, where the browser has none yet. */
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
 * Whether the page that sends the request may use the cookie. SameSite=Strict lets a neighbouring subdomain through
 * and Apollo's CSRF prevention is about what can be sent without a preflight; here it is about who sends.
 *
 * Every browser puts Origin on a POST; a request with neither Origin nor Sec-Fetch-Site is no browser's, and whoever is
 * no browser has no business with the cookie.
 */
export function isAllowedOrigin(config: Config, request: RequestLike): boolean {
  const origin = header(request, 'origin')
  if (origin === undefined) return header(request, 'sec-fetch-site') === 'same-origin'
  if (config.allowedOrigins) return config.allowedOrigins.includes(origin)
  // The server's own. The scheme is not compared: a proxy that ends TLS hides it, and the host alone is ours.
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
