import { eq, sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { originOf } from '../input/origin.ts'
import { queueMail, queueNoMail } from '../mail/queueMail.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { answerInSteps } from './answerInSteps.ts'
import { makeOneTime } from './oneTime.ts'

/**
 * Sends a link that sets a new password, to the account's stored address and never to the typed one: two spellings of
 * one address may be two mailboxes. A blocked account gets no mail.
 *
 * Whether the account exists shows nowhere: a token is made in both cases (of nobody where there is no account), and its
 * code is counted in both cases. A row is queued for the mail in both cases, and the answer comes in steps.
 *
 * @returns true, always
 * @throws AuthError BAD_USER_INPUT for the e-mail's form, TOO_MANY_REQUESTS
 */
export async function requestPasswordReset(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { email: string },
): Promise<boolean> {
  const typed = checkEmail(input.email, 'email')
  const key = emailKey(typed)
  await parts.limits.charge(visitor, 'reset', { recipient: key })
  const device = visitor.device.id
  const origin = originOf(visitor)
  await answerInSteps(() =>
    transact(parts, async tx => {
      // Requests for one address take turns. Otherwise only those for an account would, by its row: many at once would
      // take longer, and leave one live link instead of several.
      await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`annul reset ${key}`}::text, 0))`)
      const [user] = await tx
        .select(userColumns)
        .from(users)
        .where(eq(users.emailKey, key))
        .for('no key update')
      const recipient = user?.status === 'ACTIVE' ? user.email : null
      const userId = recipient === null ? null : (user?.id ?? null)
      const tokenId = await makeOneTime(tx, {
        ...{ purpose: 'reset-password', userId, email: recipient ?? typed, emailKey: key, device },
      })
      if (recipient !== null)
        await queueMail(tx, { kind: 'reset-password', recipient, userId, tokenId, detail: origin })
      else await queueNoMail(tx)
      const detail = user === undefined ? 'unknown user' : recipient === null ? 'blocked user' : null
      await appendAudit(tx, { kind: 'request-password-reset', userId: user?.id, detail, ...origin })
    }),
  )
  return true
}
