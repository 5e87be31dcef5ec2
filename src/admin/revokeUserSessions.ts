import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { UserRow } from '../database/rows.ts'
import { checkId } from '../input/id.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { Viewer } from '../viewer.ts'

import { lockUser } from './lockUser.ts'

/** Ends all sessions of a user. The user may sign in again. @throws AuthError NOT_FOUND, BAD_USER_INPUT */
export async function revokeUserSessions(
  parts: Parts,
  viewer: Viewer,
  input: { id: string },
): Promise<UserRow> {
  const id = checkId(input.id, 'id')
  return revokingAs(parts, viewer, { kind: 'user', subject: id }, async (tx, revoke) => {
    const user = await lockUser(tx, id)
    const versions = await revoke.user(id, 'SESSIONS_REVOKED', { sessions: true })
    await appendAudit(tx, { kind: 'revoke-user-sessions', ...byViewer(viewer), userId: id })
    return { ...user, ...versions }
  })
}
