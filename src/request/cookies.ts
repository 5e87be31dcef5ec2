import { randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import { originNotAllowed } from '../errors.ts'
import type { CookieJar, RequestLike, ResponseLike } from './context.ts'

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

/** The cookies of one request and its answer. */
export function openCookies(config: Config, request: RequestLike, response: ResponseLike): CookieJar {
  const sent = parseCookies(single(request.headers.cookie))
  const set = (name: string, value: string, seconds: number, attributes = '') =>
    response.appendHeader(
      'set-cookie',
      `${name}=${value}; Max-Age=${seconds}; Path=/; Secure; SameSite=Strict${attributes}`,
    )
  const httpOnly = '; HttpOnly'
  const setSession = (sessionId: string, generation: number) =>
    set(sessionCookie, `${sessionId}.${generation}`, config.sessionMaxSeconds)
  // An empty one is none: a token bound to it would never be accepted.
  let fingerprint = sent.get(fingerprintCookie) || undefined

  return {
    refreshToken: sent.get(refreshCookie),
    checkOrigin() {
      if (!isAllowed(config, request)) throw originNotAllowed()
    },
    isAllowed: () => isAllowed(config, request),
    setTokens({ refreshToken, session }) {
      set(refreshCookie, refreshToken, config.sessionMaxSeconds, httpOnly)
      setSession(session.id, session.generation)
    },
    correctSession: ({ sessionId, generation }) => setSession(sessionId, generation),
    clear() {
      set(refreshCookie, '', 0, httpOnly)
      set(sessionCookie, '', 0)
    },
    fingerprint,
    ensureFingerprint() {
      if (fingerprint === undefined) {
        fingerprint = randomBytes(32).toString('base64url')
        set(fingerprintCookie, fingerprint, config.sessionMaxSeconds, httpOnly)
      }
      return fingerprint
    },
  }
}

/**
 * Whether the page that sends the request may use the cookie. SameSite=Strict lets a neighbouring subdomain through
 * and Apollo's CSRF prevention is about what can be sent without a preflight; here it is about who sends.
 *
 * Every browser puts Origin on a POST; a request with neither Origin nor Sec-Fetch-Site is no browser's, and whoever is
 * no browser has no business with the cookie.
 */
function isAllowed(config: Config, request: RequestLike): boolean {
  const origin = single(request.headers.origin)
  if (origin === undefined) return single(request.headers['sec-fetch-site']) === 'same-origin'
  if (config.allowedOrigins) return config.allowedOrigins.includes(origin)
  // The server's own. The scheme is not compared: a proxy that ends TLS hides it, and the host alone is ours.
  return URL.canParse(origin) && new URL(origin).host === single(request.headers.host)
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

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
