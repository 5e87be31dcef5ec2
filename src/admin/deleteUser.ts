import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { runHook } from '../database/runHook.ts'
import { checkId } from '../input/id.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { Viewer } from '../viewer.ts'
import { eraseUser } from './eraseUser.ts'

/**
 * Deletes a user: e-mail, password, roles, and the devices and addresses of the sessions. The user's row stays, so that
 * tokens are refused with USER_DELETED, and an app's own tables may go on pointing to the row.
 *
 * @throws AuthError NOT_FOUND, BAD_USER_INPUT (LAST_ADMIN among others)
 */
export async function deleteUser(parts: Parts, viewer: Viewer, input: { id: string }): Promise<boolean> {
  const id = checkId(input.id, 'id')
  return revokingAs(parts, viewer, { kind: 'user', subject: id }, async (tx, revoke) => {
    const user = await eraseUser(tx, revoke, id, 'id')
    await appendAudit(tx, { kind: 'delete-user', ...byViewer(viewer), userId: id })
    await runHook(parts.app, 'deleted', tx, user)
    return true
  })
}
