import { sql } from 'drizzle-orm'
import { type Queries, rows } from '../database/open.ts'
import type { AnsweredChallenge } from './passkeyChallenge.ts'

/**
 * Uses a challenge up, atomically: of many answers at once, on any nodes, one gets true. A later one waits until the first
 * has committed or rolled back.
 */
export async function spendChallenge(
  tx: Queries,
  { id, expiresAt }: Pick<AnsweredChallenge, 'id' | 'expiresAt'>,
): Promise<boolean> {
  // Not after its time, when the row of an earlier answer may have been purged.
  const spent = await rows(
    tx,
    sql`insert into annul.spent_challenges (id, expires_at)
        select ${id}::text, ${expiresAt.toISOString()}::timestamptz where ${expiresAt.toISOString()}::timestamptz > now()
        on conflict do nothing returning 1`,
  )
  return spent.length > 0
}

/**
 * Spent challenges that have expired. Kept for a minute more, because nodes read the database's time a moment apart.
 *
 * @param batchRows how many at most
 */
export const expiredSpentChallenges = (batchRows: number) => sql`
  delete from annul.spent_challenges where id in (
    select id from annul.spent_challenges where expires_at < now() - interval '1 minute'
    order by expires_at limit ${batchRows} for update skip locked)
  returning 1`
