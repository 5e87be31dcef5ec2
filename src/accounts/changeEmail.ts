import { eq } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { UserRow } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { queueMail } from '../mail/queueMail.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import type { Viewer } from '../viewer.ts'
import { makeOneTime } from './oneTime.ts'
import { originOf } from './origin.ts'

/**
 * Asks for another e-mail. The account keeps its e-mail until the link is used that was sent to the new address
 * (verifyEmail). A free and a taken address get the same answer and the same statements: only the mail tells which.
 *
 * @returns the user, unchanged
 * @throws AuthError BAD_USER_INPUT for the e-mail's form, TOO_MANY_REQUESTS, UNAUTHENTICATED
 */
export async function changeEmail(parts: Parts, viewer: Viewer, input: { email: string }): Promise<UserRow> {
  const email = checkEmail(input.email, 'input.email')
  const key = emailKey(email)
  await parts.limits.charge(viewer, 'mail', { recipient: key, account: viewer.userId })
  const device = viewer.device.id
  return fenced(parts, viewer, async tx => {
    const user = await lockUser(tx, viewer.userId)
    const [owner] = await tx
      .select({ id: users.id, email: users.email })
      .from(users)
      .where(eq(users.emailKey, key))
    const tokenId = await makeOneTime(tx, {
      ...{ purpose: 'change-email', userId: user.id, email, emailKey: key, device },
    })
    const detail = originOf(viewer)
    // The own address in another spelling is free.
    await queueMail(
      tx,
      owner === undefined || owner.id === user.id
        ? { kind: 'confirm-new-email', recipient: email, userId: user.id, tokenId, detail }
        : { kind: 'address-taken', recipient: owner.email ?? email, userId: owner.id, detail },
    )
    await appendAudit(tx, { kind: 'request-email-change', ...byViewer(viewer) })
    return user
  })
}
