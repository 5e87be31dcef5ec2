import { eraseUser } from '../admin/eraseUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { runHook } from '../database/runHook.ts'
import { queueMail } from '../mail/queueMail.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { Viewer } from '../viewer.ts'
import { originOf } from './origin.ts'

/**
 * Deletes the viewer's own account, as deleteUser does. A last mail tells so.
 *
 * @returns true
 * @throws AuthError BAD_USER_INPUT / LAST_ADMIN, UNAUTHENTICATED
 */
export async function deleteAccount(parts: Parts, viewer: Viewer): Promise<boolean> {
  const id = viewer.userId
  return revokingAs(parts, viewer, { kind: 'user', subject: id }, async (tx, revoke) => {
    const user = await eraseUser(tx, revoke, id, 'deleteAccount')
    if (user.email !== null)
      await queueMail(tx, {
        ...{ kind: 'account-deleted', recipient: user.email, userId: id },
        detail: originOf(viewer),
      })
    await appendAudit(tx, { kind: 'delete-account', ...byViewer(viewer) })
    await runHook(parts.app, 'deleted', tx, user)
    return true
  })
}
