import { sql } from 'drizzle-orm'

/** Audit events that are no longer kept (ANNUL_AUDIT_DAYS). @param batchRows how many at most */
export const expiredEvents = (auditDays: number, batchRows: number) => sql`
  delete from annul.audit_events where id in (
    select id from annul.audit_events where at < now() - make_interval(days => ${auditDays})
    order by at limit ${batchRows})
  returning 1`
