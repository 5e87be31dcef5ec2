import { sql } from 'drizzle-orm'

/**
 * One-time tokens that nobody can use any more. Their rows hold addresses, and the hashes of registrations that were
 * never confirmed. @param batchRows how many at most
 */
export const expiredOneTime = (batchRows: number) => sql`
  delete from annul.one_time_tokens where id in (
    select id from annul.one_time_tokens where expires_at < now() order by expires_at limit ${batchRows})
  returning 1`
