import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { checkId } from '../input/id.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { SessionViewer } from '../viewer.ts'
import { endOf, lockSession, readSession } from './sessionState.ts'

/**
 * Ends one of the viewer's own sessions.
 *
 * @returns whether the session had been live; false also for another user's session, so that nothing is told about it
 * @throws AuthError BAD_USER_INPUT when the id is no UUID
 */
export async function revokeSession(
  parts: Parts,
  viewer: SessionViewer,
  input: { id: string },
): Promise<boolean> {
  const id = checkId(input.id, 'id')
  return revokingAs(parts, viewer, { kind: 'session', subject: id }, async (tx, revoke) => {
    await lockSession(tx, id)
    const state = await readSession(tx, id)
    if (state === undefined || state.user.id !== viewer.userId || endOf(state)) return false
    await revoke.session(id, 'SESSION_REVOKED')
    await appendAudit(tx, { kind: 'revoke-session', ...byViewer(viewer), sessionId: id })
    return true
  })
}
