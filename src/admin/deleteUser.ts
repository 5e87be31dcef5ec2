import { eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { sessions, users } from '../database/tables.ts'
import { checkId } from '../input/id.ts'
import type { Parts } from '../parts.ts'
import { revoking } from '../revocation/revoking.ts'
import type { Viewer } from '../viewer.ts'
import { lockUser } from './lockUser.ts'

/**
 * Deletes a user: e-mail, password and where they signed in from. What stays is a row that can say USER_DELETED, and
 * that an app's own tables may go on pointing to.
 *
 * @throws AuthError NOT_FOUND, BAD_USER_INPUT
 */
export async function deleteUser(parts: Parts, viewer: Viewer, input: { id: string }): Promise<boolean> {
  const id = checkId(input.id, 'id')
  return revoking(parts, viewer, async (tx, log) => {
    await lockUser(tx, id)
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
    await log.bumpUser(id, 'USER_DELETED', { sessions: true })
    await tx.update(sessions).set({ userAgent: null, ipAddress: null }).where(eq(sessions.userId, id))
    await appendAudit(tx, { kind: 'delete-user', ...byViewer(viewer), userId: id })
    return true
  })
}
