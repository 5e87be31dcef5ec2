import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { UserRow } from '../database/rows.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import type { OnDevice, Viewer } from '../viewer.ts'
import { answerInSteps } from './answerInSteps.ts'
import { offerAddress } from './offerAddress.ts'

/**
 * Asks for another e-mail. The account keeps its e-mail until the link is used that was sent to the new address
 * (verifyEmail). A free and a taken address get the same answer and the same statements: only the mail tells which.
 *
 * @returns the user, unchanged
 * @throws AuthError BAD_USER_INPUT for the e-mail's form, TOO_MANY_REQUESTS, UNAUTHENTICATED
 */
export async function changeEmail(
  parts: Parts,
  viewer: Viewer & OnDevice,
  input: { email: string },
): Promise<UserRow> {
  const email = checkEmail(input.email, 'input.email')
  const key = emailKey(email)
  await parts.limits.charge(viewer, 'mail', { recipient: key, account: viewer.userId })
  const device = viewer.device.id
  return answerInSteps(() =>
    fenced(parts, viewer, async tx => {
      const user = await lockUser(tx, viewer.userId)
      const token = { purpose: 'change-email', userId: user.id, email, emailKey: key, device } as const
      await offerAddress(tx, token, 'confirm-new-email', originOf(viewer))
      await appendAudit(tx, { kind: 'request-email-change', ...byViewer(viewer) })
      return user
    }),
  )
}
