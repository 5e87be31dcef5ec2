import { sql } from 'drizzle-orm'

/** Ended sessions are kept this long for their reasons. */
const keptDays = 30

/** Sessions that ended a month ago. @param batchRows how many at most */
export const forgottenSessions = (batchRows: number) => sql`
  delete from annul.sessions where id in (
    select id from annul.sessions
    where least(ended_at, idle_expires_at, expires_at) < now() - make_interval(days => ${keptDays})
    limit ${batchRows})
  returning 1`
