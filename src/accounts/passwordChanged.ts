import type { Queries } from '../database/open.ts'
import type { UserRow } from '../database/rows.ts'
import { queueMail } from '../mail/queueMail.ts'
import type { Visitor } from '../viewer.ts'
import { originOf } from './origin.ts'

/** Tells a user that the password was changed, and from where: whoever did not do it learns of the thief. */
export async function queuePasswordChanged(
  tx: Queries,
  { id: userId, email }: Pick<UserRow, 'id' | 'email'>,
  visitor: Visitor,
): Promise<void> {
  if (email !== null)
    await queueMail(tx, { kind: 'password-changed', recipient: email, userId, detail: originOf(visitor) })
}
