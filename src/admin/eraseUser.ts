import { eq } from 'drizzle-orm'
import { lockOneTime } from '../accounts/oneTime.ts'
import type { Queries } from '../database/open.ts'
import type { UserRow } from '../database/rows.ts'
import { oneTimeTokens, sessions, users } from '../database/tables.ts'
import type { Revoke } from '../revocation/log.ts'
import { dropFactors } from '../sessions/dropFactors.ts'
import { lockAdmins, refuseLastAdmin } from './lastAdmin.ts'
import { lockUser } from './lockUser.ts'

/** What is left of a user's row when the personal data is gone. */
export const erased = {
  status: 'DELETED',
  email: null,
  emailKey: null,
  passwordHash: null,
  emailVerified: false,
  roles: [] as string[],
  scopes: [] as string[],
  delayFactorReset: false,
  factorsEndAt: null,
} as const

/**
 * Takes a user's personal data away, and ends all tokens and sessions. The row stays.
 *
 * @param argument the path of the argument that is refused
 * @returns the user as it was, and the addresses that had a way back (restoreEmail)
 * @throws AuthError NOT_FOUND, BAD_USER_INPUT / LAST_ADMIN
 */
export async function eraseUser(
  tx: Queries,
  revoke: Revoke,
  id: string,
  argument: string,
): Promise<{ user: UserRow; formerAddresses: readonly string[] }> {
  await lockAdmins(tx)
  const user = await lockUser(tx, id, 'update')
  await refuseLastAdmin(tx, user, argument)
  await dropFactors(tx, id)
  await tx.update(users).set(erased).where(eq(users.id, id))
  await revoke.user(id, 'USER_DELETED', { sessions: true })
  await tx.update(sessions).set({ userAgent: null, ipAddress: null }).where(eq(sessions.userId, id))
  // They hold addresses, those of the ways back among them. Locked first, in the order of all verbs.
  const tokens = await lockOneTime(tx, eq(oneTimeTokens.userId, id))
  await tx.delete(oneTimeTokens).where(eq(oneTimeTokens.userId, id))
  const formerAddresses = tokens
    .filter(({ purpose }) => purpose === 'restore-email')
    .map(({ email }) => email)
  return { user, formerAddresses }
}
