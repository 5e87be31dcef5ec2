import { AuthError, invalidRefreshToken } from '../errors.ts'
import { checkBinding } from '../sessions/checkBinding.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import { logoutByRefreshToken, logoutViewer } from '../sessions/logout.ts'
import { checkAttempt, readRefreshToken } from '../sessions/refresh.ts'
import { inSession } from '../viewer.ts'
import type { RequestState } from './context.ts'

/* Takes the refresh token from the arguments or from the cookie, and returns it the same way (see cookies.ts). */

/**
 * Runs a verb that issues tokens, and sets the refresh token of a cookie session as a cookie.
 *
 * @throws AuthError ORIGIN_NOT_ALLOWED, before the verb runs, when the page's origin may not use the cookie; Error,
 *   likewise, when access tokens are bound to an address that is not known
 */
export async function issue<T extends Tokens | null>(
  request: RequestState,
  verb: () => Promise<T>,
  input: { cookie?: boolean } = {},
): Promise<T> {
  if (input.cookie) request.cookies.checkOrigin()
  checkBinding(request.parts, request.visitor)
  const tokens = await verb()
  if (tokens === null) return tokens
  request.identify(tokens.user.id)
  if (tokens.session.cookie && request.cookies.isAllowed()) request.cookies.setTokens(tokens)
  // A foreign page may send a form here, and must not replace what the browser's tokens are bound to.
  if (!request.cookies.isForeign()) request.cookies.keepFingerprint()
  return tokens
}

/**
 * The cookie's refresh token. An attempt must name the generation of that token.
 *
 * A browser attaches cookies when it sends a request, which is later than when the client made the attempt: another tab
 * may have refreshed in between, and the attempt of one generation would be used up for the next. Such a request changes
 * nothing in the database. It corrects the readable cookie and answers TOKEN_STALE, so that the client makes a new
 * attempt.
 *
 * @throws AuthError ORIGIN_NOT_ALLOWED, INVALID_REFRESH_TOKEN with TOKEN_MISSING, TOKEN_INVALID or TOKEN_STALE
 */
export function cookieOf(
  { cookies, parts, visitor }: RequestState,
  attempt: string | null | undefined,
): string {
  if (cookies.refreshToken === undefined) throw invalidRefreshToken('TOKEN_MISSING')
  cookies.checkOrigin()
  if (attempt != null) checkAttempt(attempt)
  const claims = readRefreshToken(parts, visitor, cookies.refreshToken)
  if (attempt != null && !attempt.startsWith(`${claims.sessionId}.${claims.generation}.`)) {
    cookies.correctSession(claims)
    throw invalidRefreshToken('TOKEN_STALE')
  }
  return cookies.refreshToken
}

/** Logs out by the argument's token, or the cookie's, or the access token. No other verb clears cookies. */
export async function endSession(
  request: RequestState,
  refreshToken: string | null | undefined,
): Promise<boolean> {
  const { cookies, parts, visitor } = request
  if (refreshToken != null) return logoutByRefreshToken(parts, visitor, refreshToken)
  if (cookies.refreshToken !== undefined) {
    cookies.checkOrigin()
    const ending = logoutByRefreshToken(parts, visitor, cookies.refreshToken)
    // A cookie with an invalid token is cleared too. In an outage the cookie stays, because the session lives on.
    const wasLive = await ending.catch(error => {
      if (error instanceof AuthError && error.code === 'INVALID_REFRESH_TOKEN') cookies.clear()
      throw error
    })
    cookies.clear()
    return wasLive
  }
  const decision = await request.decide(true)
  if (decision instanceof AuthError) throw decision
  // Without a session there is nothing to end, and a client that is told `true` would believe the token dead.
  return logoutViewer(parts, inSession(decision))
}
