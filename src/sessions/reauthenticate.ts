import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { invalidCredentials } from '../errors.ts'
import { methods, together } from '../factors/amr.ts'
import type { Parts } from '../parts.ts'
import { checkPasswordLength } from '../passwords/policy.ts'
import { fenced } from '../revocation/fence.ts'
import type { OnDevice, SessionViewer } from '../viewer.ts'
import { issueTokens, type Tokens } from './issueTokens.ts'
import { readLiveSession } from './sessionState.ts'

/**
 * Checks the viewer's password once more. The new time stands only in the access token that is returned. The refresh
 * token is not rotated, so a lost answer does no harm.
 *
 * @throws AuthError INVALID_CREDENTIALS, BAD_USER_INPUT, TOO_MANY_REQUESTS, UNAUTHENTICATED
 */
export async function reauthenticate(
  parts: Parts,
  viewer: SessionViewer & OnDevice,
  input: { password: string },
): Promise<Tokens> {
  checkPasswordLength(input.password, 'password')
  // Versions, password and generation are of one instant: a change while the password is hashed kills the tokens that
  // are returned.
  const state = await readLiveSession(parts.db, viewer.sessionId)
  const attempt = await parts.limits.password(viewer, state.user.emailKey ?? '', viewer.sessionId)
  const right = await attempt.run(() => parts.passwords.verify(state.user.passwordHash, input.password))

  if (!right || attempt.isLocked) {
    await fenced(parts, viewer, tx => appendAudit(tx, { kind: 'reauthenticate-failed', ...byViewer(viewer) }))
    throw invalidCredentials()
  }
  const tokens = issueTokens(parts, viewer, state, {
    authTime: Math.floor(state.readAt),
    amr: together(state.session.amr, methods.password),
  })
  await fenced(parts, viewer, tx => appendAudit(tx, { kind: 'reauthenticate', ...byViewer(viewer) }))
  await attempt.succeeded()
  return tokens
}
