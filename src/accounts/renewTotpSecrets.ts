import { and, asc, eq, gt } from 'drizzle-orm'
import type { Database } from '../database/open.ts'
import { factors } from '../database/tables.ts'
import { openTotp } from '../factors/totp.ts'
import type { Secrets } from '../tokens/secret.ts'

/**
 * Encrypts the secrets of authenticator apps under the present ANNUL_SECRET, while the previous one is known: afterwards
 * nobody could open them, and their users would be left with other factors.
 *
 * @param batchRows how many are read at once
 * @returns how many were changed
 */
export async function renewTotpSecrets(
  db: Database,
  { secret, previous }: Secrets,
  batchRows = 1000,
): Promise<number> {
  if (previous === undefined) return 0
  const totp = openTotp(secret, previous, '')
  let changed = 0
  for (let last = '00000000-0000-0000-0000-000000000000'; ; ) {
    const batch = await db
      .select({ id: factors.id, sealed: factors.secret })
      .from(factors)
      .where(and(eq(factors.kind, 'TOTP'), gt(factors.id, last)))
      .orderBy(asc(factors.id))
      .limit(batchRows)
    for (const { id, sealed } of batch) {
      last = id
      const renewed = sealed === null ? undefined : totp.renew({ id, sealed })
      if (sealed === null || renewed === undefined) continue
      // Another node may have been first.
      const written = await db
        .update(factors)
        .set({ secret: renewed })
        .where(and(eq(factors.id, id), eq(factors.secret, sealed)))
        .returning({ id: factors.id })
      changed += written.length
    }
    if (batch.length < batchRows) return changed
  }
}
