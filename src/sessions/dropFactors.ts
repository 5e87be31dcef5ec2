import { eq } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { factorChallenges, factors } from '../database/tables.ts'

/**
 * Removes all factors of a user, with the recovery codes, those that are being enrolled, and the challenges that wait
 * for one of them. The caller ends the sessions.
 *
 * @param tx with the user's row locked. To be called before a session is locked, as everywhere: user, factor, session
 */
export async function dropFactors(tx: Queries, userId: string): Promise<void> {
  await tx.delete(factorChallenges).where(eq(factorChallenges.userId, userId))
  await tx.delete(factors).where(eq(factors.userId, userId))
}
