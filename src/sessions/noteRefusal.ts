import { eq } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import type { Visitor } from '../viewer.ts'

/** Whether this many wrong second factors in a row are a reason for a mail: whoever gives them knows the password. */
export function isReasonToTell(failures: number): boolean {
  return failures > 0 && failures % 5 === 0
}

/**
 * Notes a wrong second factor, and tells the owner by mail where `isTold` says so.
 *
 * @param append appends the event, in the transaction of the mail
 */
export async function noteRefusal(
  parts: Parts,
  visitor: Visitor,
  userId: string,
  isTold: boolean,
  append: (tx: Queries) => Promise<void>,
): Promise<void> {
  const [user] = isTold ? await parts.db.select(userColumns).from(users).where(eq(users.id, userId)) : []
  const isMailed =
    user !== undefined && (await parts.limits.warns('second-factor-failed', user.emailKey ?? ''))
  await transact(parts, async tx => {
    await append(tx)
    if (user !== undefined && isMailed) await queueSecurityMail(tx, 'second-factor-failed', user, visitor)
  })
}
