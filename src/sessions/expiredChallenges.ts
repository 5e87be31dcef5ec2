import { sql } from 'drizzle-orm'

/**
 * Challenges that nobody can answer any more: their rows may hold the hash of a password that was never set. One that an
 * answer has locked is left for the next round.
 *
 * @param batchRows how many at most
 */
export const expiredChallenges = (batchRows: number) => sql`
  delete from annul.factor_challenges where id in (
    select id from annul.factor_challenges where expires_at < now() order by expires_at limit ${batchRows}
    for update skip locked)
  returning 1`
