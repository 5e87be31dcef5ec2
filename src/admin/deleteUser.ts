import { eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { runHook } from '../database/runHook.ts'
import { sessions, users } from '../database/tables.ts'
import { checkId } from '../input/id.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { Viewer } from '../viewer.ts'
import { lockAdmins, refuseLastAdmin } from './lastAdmin.ts'
import { lockUser } from './lockUser.ts'

/**
 * Deletes a user: e-mail, password, roles, and the devices and addresses of the sessions. The user's row stays, so that
 * tokens are refused with USER_DELETED, and an app's own tables may go on pointing to the row.
 *
 * @throws AuthError NOT_FOUND, BAD_USER_INPUT (LAST_ADMIN among others)
 */
export async function deleteUser(parts: Parts, viewer: Viewer, input: { id: string }): Promise<boolean> {
  const id = checkId(input.id, 'id')
  return revokingAs(parts, viewer, { kind: 'user', subject: id }, async (tx, revoke) => {
    await lockAdmins(tx)
    const user = await lockUser(tx, id, 'update')
    await refuseLastAdmin(tx, user, 'id')
    await tx
      .update(users)
      .set({
        status: 'DELETED',
        email: null,
        emailKey: null,
        passwordHash: null,
        emailVerified: false,
        roles: [],
        scopes: [],
      })
      .where(eq(users.id, id))
    await revoke.user(id, 'USER_DELETED', { sessions: true })
    await tx.update(sessions).set({ userAgent: null, ipAddress: null }).where(eq(sessions.userId, id))
    await appendAudit(tx, { kind: 'delete-user', ...byViewer(viewer), userId: id })
    await runHook(parts.app, 'deleted', tx, user)
    return true
  })
}
