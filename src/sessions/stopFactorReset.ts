import { and, eq, isNotNull } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { users } from '../database/tables.ts'
import { originOf } from '../input/origin.ts'

/**
 * Stops a reset of the factors that waits (admin/resetFactors.ts): whoever can use a factor, or change the factors by
 * one, has not lost all of them. To be called in the transaction that a proof by a factor allows, before the proof is used
 * up: so the user's row is locked before the factor's, as everywhere.
 */
export async function stopFactorReset(
  tx: Queries,
  userId: string,
  visitor: { readonly ipAddress: string | null; readonly userAgent: string | null },
): Promise<void> {
  const stopped = await tx
    .update(users)
    .set({ factorsEndAt: null })
    .where(and(eq(users.id, userId), isNotNull(users.factorsEndAt)))
    .returning({ id: users.id })
  if (stopped.length > 0)
    await appendAudit(tx, { kind: 'stop-factor-reset', actorId: userId, userId, ...originOf(visitor) })
}
