import { firstTokenVersion } from '../database/tables.ts'
import type { Reason } from '../errors.ts'
import { rolesWith } from '../factors/amr.ts'
import { judgeStanding } from '../revocation/standing.ts'
import { deepFreeze } from '../tokens/deepFreeze.ts'
import type { FormerToken } from '../tokens/formerTokens.ts'
import type { ViewerClaims } from '../viewer.ts'
import type { UserStanding } from './strictReader.ts'

/**
 * A former system's token, as if Annul had issued it when the user's row was made: with the first token version, and the
 * epoch of that time. So it dies by the same two comparisons as every other token, with the same reasons, and no kill
 * needs to know of it. Whatever was killed before the row was made concerned another system.
 *
 * @param mfaRoles roles that want a second factor (ANNUL_MFA_ROLES), which such a token never has
 * @returns the claims of its viewer, and why it is dead by the rows of one moment; undefined while it lives
 */
export function judgeFormerToken(
  token: FormerToken,
  user: UserStanding,
  mfaRoles: readonly string[],
): { readonly claims: ViewerClaims; readonly refused: Reason | undefined } {
  const claims: ViewerClaims = deepFreeze({
    iss: token.issuer,
    sub: token.userId,
    aud: token.audience,
    client_id: token.audience,
    exp: token.exp,
    iat: token.iat,
    jti: '',
    sid: null,
    ver: firstTokenVersion,
    epoch: user.created_epoch ?? 0,
    ...rolesWith(undefined, listOf(user.roles), mfaRoles),
    scope: listOf(user.scopes).join(' '),
    auth_time: token.authTime,
  })
  return { claims, refused: reasonAgainst(claims, user) }
}

function reasonAgainst(claims: ViewerClaims, user: UserStanding): Reason | undefined {
  // A deleted user leaves a row. Where there is none, nobody was ever imported under this id.
  if (user.status === null) return 'TOKEN_INVALID'
  return (
    judgeStanding(claims, user) ??
    // Such a token may live for days, so a row that was changed by hand counts as well.
    (user.status === 'ACTIVE' ? undefined : user.status === 'DELETED' ? 'USER_DELETED' : 'USER_BLOCKED')
  )
}

function listOf(json: string | null): string[] {
  return json === null ? [] : JSON.parse(json)
}
