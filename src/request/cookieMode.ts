import { AuthError, invalidRefreshToken } from '../errors.ts'
import { checkBinding } from '../sessions/checkBinding.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import { logoutByRefreshToken, logoutViewer } from '../sessions/logout.ts'
import { checkAttempt, readRefreshToken } from '../sessions/refresh.ts'
import type { RequestState } from './context.ts'

/* Where a refresh token comes from and goes to: the arguments, or the cookie (http/cookies.ts). */

/**
 * Runs a verb that issues tokens, and puts the refresh token of a cookie session into its cookie.
 *
 * @throws AuthError ORIGIN_NOT_ALLOWED, before anything is done, when a page may not have the cookie that it asks for;
 *   Error, likewise, when access tokens are bound to an address that is not known
 */
export async function issue(
  request: RequestState,
  verb: () => Promise<Tokens>,
  input: { cookie?: boolean } = {},
): Promise<Tokens> {
  if (input.cookie) request.cookies.checkOrigin()
  checkBinding(request.parts, request.visitor)
  const tokens = await verb()
  request.identify(tokens.user.id)
  if (tokens.session.cookie && request.cookies.isAllowed()) request.cookies.setTokens(tokens)
  request.cookies.keepFingerprint()
  return tokens
}

/**
 * The cookie's refresh token, for an attempt that names its very generation. A browser attaches cookies when it sends,
 * not when the attempt was made: another tab may have refreshed between. Then the readable cookie is set right, nothing
 * is written, and the client tries once more; else the attempt of one generation would be spent on the next.
 *
 * @throws AuthError ORIGIN_NOT_ALLOWED, INVALID_REFRESH_TOKEN with TOKEN_MISSING, TOKEN_INVALID or TOKEN_STALE
 */
export function cookieOf({ cookies, parts }: RequestState, attempt: string | null | undefined): string {
  if (cookies.refreshToken === undefined) throw invalidRefreshToken('TOKEN_MISSING')
  cookies.checkOrigin()
  if (attempt != null) checkAttempt(attempt)
  const claims = readRefreshToken(parts, cookies.refreshToken)
  if (attempt != null && !attempt.startsWith(`${claims.sessionId}.${claims.generation}.`)) {
    cookies.correctSession(claims)
    throw invalidRefreshToken('TOKEN_STALE')
  }
  return cookies.refreshToken
}

/** Logs out: by the argument, else the cookie, else the bearer. Only here are cookies cleared. */
export async function endSession(
  request: RequestState,
  refreshToken: string | null | undefined,
): Promise<boolean> {
  const { cookies, parts, visitor } = request
  if (refreshToken != null) return logoutByRefreshToken(parts, visitor, refreshToken)
  if (cookies.refreshToken !== undefined) {
    cookies.checkOrigin()
    const ending = logoutByRefreshToken(parts, visitor, cookies.refreshToken)
    // A cookie that is no token goes too. After an outage it stays, because its session does.
    const wasLive = await ending.catch(error => {
      if (error instanceof AuthError && error.code === 'INVALID_REFRESH_TOKEN') cookies.clear()
      throw error
    })
    cookies.clear()
    return wasLive
  }
  const decision = await request.decide(true)
  if (decision instanceof AuthError) throw decision
  return logoutViewer(parts, decision)
}
