import { eq } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { violates } from '../database/outage.ts'
import { type UserRow, userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import type { OneTimeToken } from './oneTime.ts'

/**
 * The user of a one-time token, locked before the token as everywhere.
 *
 * @param strength `update` for a verb that changes the e-mail (admin/lockUser.ts)
 * @returns undefined for a token of nobody, and for a deleted user
 */
export async function lockOwner(
  tx: Queries,
  { userId }: Pick<OneTimeToken, 'userId'>,
  strength: 'no key update' | 'update',
): Promise<UserRow | undefined> {
  if (userId === null) return undefined
  const [user] = await tx.select(userColumns).from(users).where(eq(users.id, userId)).for(strength)
  return user?.status === 'DELETED' ? undefined : user
}

/** Gives a user an address whose owner has just shown that mails arrive there. */
export async function setEmail(
  tx: Queries,
  userId: string,
  address: Pick<OneTimeToken, 'email' | 'emailKey'>,
): Promise<void> {
  const { email, emailKey } = address
  await tx.update(users).set({ email, emailKey, emailVerified: true }).where(eq(users.id, userId))
}

/** Whether `setEmail` failed because another account has the address. */
export function isTaken(error: unknown): boolean {
  return violates(error, 'users_email_key')
}
