import { sql } from 'drizzle-orm'

/**
 * Followers that no node has written down for a minute. One that is being written is left for the next round.
 *
 * @param batchRows how many at most
 */
export const expiredFollowers = (batchRows: number) => sql`
  delete from annul.followers where id in (
    select id from annul.followers where seen_at < now() - interval '1 minute' order by id limit ${batchRows}
    for update skip locked)
  returning 1`
