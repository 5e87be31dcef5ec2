import { sql } from 'drizzle-orm'

/**
 * One-time tokens that nobody can use any more. Their rows hold addresses, and the hashes of registrations that were
 * never confirmed. A token that a verb has locked is left for the next round: the verb may wait for another one.
 *
 * @param batchRows how many at most
 */
export const expiredOneTime = (batchRows: number) => sql`
  delete from annul.one_time_tokens where id in (
    select id from annul.one_time_tokens where expires_at < now() order by expires_at limit ${batchRows}
    for update skip locked)
  returning 1`
