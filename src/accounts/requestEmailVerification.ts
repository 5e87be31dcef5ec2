import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { originOf } from '../input/origin.ts'
import { queueMail } from '../mail/queueMail.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import type { OnDevice, Viewer } from '../viewer.ts'
import { makeOneTime } from './oneTime.ts'

/**
 * Sends the viewer a link that verifies the account's e-mail.
 *
 * @returns false where the e-mail is verified already: then no mail is sent
 * @throws AuthError TOO_MANY_REQUESTS, UNAUTHENTICATED
 */
export async function requestEmailVerification(parts: Parts, viewer: Viewer & OnDevice): Promise<boolean> {
  const account = viewer.userId
  await parts.limits.charge(viewer, 'mail', { recipient: account, account })
  const device = viewer.device.id
  return fenced(parts, viewer, async tx => {
    const { id: userId, email, emailKey, emailVerified } = await lockUser(tx, viewer.userId)
    if (emailVerified || email === null || emailKey === null) return false
    const tokenId = await makeOneTime(tx, { purpose: 'verify-email', userId, email, emailKey, device })
    await queueMail(tx, {
      ...{ kind: 'verify-email', recipient: email, userId, tokenId },
      detail: originOf(viewer),
    })
    await appendAudit(tx, { kind: 'request-email-verification', ...byViewer(viewer) })
    return true
  })
}
