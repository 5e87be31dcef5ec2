import type { Parts } from '../parts.ts'
import { endSession } from '../services/endSession.ts'
import type { Service } from '../services/findService.ts'
import { logoutByRefreshToken } from '../sessions/logout.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { invalidClient, OAuthError } from './oauthError.ts'
import { readToken } from './readToken.ts'

/**
 * Ends the session of a token (RFC 7009): its refresh token and all its access tokens. Returns when no node accepts
 * them. A token that is not valid is no error (2.2): it can't be used anyway.
 *
 * @param service with the right `revoke`; undefined: a public client, which shows that the session is its own by the
 *   refresh token itself, as in `logout`. An access token goes through more hands, so it ends nothing here
 * @throws OAuthError unsupported_token_type for a former system's token, which has no session; invalid_client
 * @throws AuthError TOO_MANY_REQUESTS for a public client with many tokens that are not authentic; ServiceEndedError
 */
export async function revokeToken(
  parts: Parts,
  visitor: DeviceVisitor,
  service: Service | undefined,
  token: string,
): Promise<void> {
  const read = await readToken(parts, token)
  if (service === undefined) {
    if (typeof read === 'object' && read.kind === 'refresh') {
      await logoutByRefreshToken(parts, visitor, token)
      return
    }
    parts.limits.forgedToken(visitor)
    if (typeof read === 'object') throw invalidClient()
    return
  }
  if (typeof read === 'string') return
  if (read.kind === 'former')
    throw new OAuthError(
      400,
      'unsupported_token_type',
      "This token is one of the system before Annul: it has no session. End the user's sessions instead.",
    )
  const sessionId = read.kind === 'access' ? read.claims.sid : read.claims.sessionId
  await endSession(parts, visitor, service, sessionId)
}
