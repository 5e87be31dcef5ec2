import { eq } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { users } from '../database/tables.ts'
import type { Visitor } from '../viewer.ts'
import type { FactorProof } from './factorProof.ts'
import { stopFactorReset } from './stopFactorReset.ts'

/**
 * Uses a proof by a factor up, in the transaction of what the proof allows. The user's row is locked before the factor's,
 * and the factor's before a session's, as everywhere: a deletion and recoverAccount lock all three. A reset of the
 * factors that waits is stopped.
 *
 * @throws AuthError what `proof.spend` throws
 */
export async function useProof(
  tx: Queries,
  visitor: Pick<Visitor, 'ipAddress' | 'userAgent'>,
  userId: string,
  proof: FactorProof,
): Promise<void> {
  await tx.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('key share')
  await stopFactorReset(tx, userId, visitor)
  await proof.spend(tx)
}
