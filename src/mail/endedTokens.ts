import { sql } from 'drizzle-orm'

/** Tokens that have ended are kept this long, for whoever asks why a link did not work. */
const keptDays = 7

/** One-time tokens that ended or expired a week ago. @param batchRows how many at most */
export const endedTokens = (batchRows: number) => sql`
  delete from annul.one_time_tokens where id in (
    select id from annul.one_time_tokens
    where least(ended_at, expires_at) < now() - make_interval(days => ${keptDays})
    limit ${batchRows})
  returning 1`
