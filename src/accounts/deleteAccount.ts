import { eq } from 'drizzle-orm'
import { eraseUser } from '../admin/eraseUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { runHook } from '../database/runHook.ts'
import { users } from '../database/tables.ts'
import { originOf } from '../input/origin.ts'
import { queueMail } from '../mail/queueMail.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { Viewer } from '../viewer.ts'

/**
 * Deletes the viewer's own account, as deleteUser does. A last mail tells so, to the e-mail and to each former one that
 * still had a way back.
 *
 * @returns true
 * @throws AuthError BAD_USER_INPUT / LAST_ADMIN, UNAUTHENTICATED
 */
export async function deleteAccount(parts: Parts, viewer: Viewer): Promise<boolean> {
  const id = viewer.userId
  const [owner] = await parts.db.select({ emailKey: users.emailKey }).from(users).where(eq(users.id, id))
  const isTold = await parts.limits.warns('account-deleted', owner?.emailKey ?? '')
  return revokingAs(parts, viewer, { kind: 'user', subject: id }, async (tx, revoke) => {
    const { user, formerAddresses } = await eraseUser(tx, revoke, id, 'deleteAccount')
    // Whoever had the account before a thief changed its e-mail must hear of the end, too.
    const told = new Set([...(user.email === null ? [] : [user.email]), ...formerAddresses])
    if (isTold)
      for (const recipient of told)
        await queueMail(tx, {
          ...{ kind: 'account-deleted', recipient, userId: id },
          detail: originOf(viewer),
        })
    await appendAudit(tx, { kind: 'delete-account', ...byViewer(viewer) })
    await runHook(parts.app, 'deleted', tx, user)
    return true
  })
}
