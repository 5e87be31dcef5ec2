import { sql } from 'drizzle-orm'

/**
 * Factors whose enrolment was begun an hour ago and never confirmed. None can be confirmed so late (enrollTotp.ts).
 *
 * @param batchRows how many at most
 */
export const expiredEnrolments = (batchRows: number) => sql`
  delete from annul.factors where id in (
    select id from annul.factors where confirmed_at is null and created_at < now() - interval '1 hour'
    limit ${batchRows} for update skip locked)
  returning 1`
