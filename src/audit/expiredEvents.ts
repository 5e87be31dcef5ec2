import { sql } from 'drizzle-orm'
import { type Queries, rows } from '../database/open.ts'

/**
 * Removes audit events that are no longer kept (ANNUL_AUDIT_DAYS): those of whole sealed hours, whose seals say that
 * they were purged. A seal is never removed.
 *
 * @param tx a transaction of its own: a trigger lets the purge through, and nothing else
 * @param batchRows how many at most
 * @returns how many were removed
 */
export async function removeExpiredEvents(
  tx: Queries,
  auditDays: number,
  batchRows: number,
): Promise<number> {
  await tx.execute(sql`select set_config('annul.audit_purge', 'on', true)`)
  await tx.execute(sql`
    update annul.audit_seals set purged_at = now()
    where purged_at is null and hour + interval '1 hour' <= now() - make_interval(days => ${auditDays})`)
  const removed = await rows(
    tx,
    sql`delete from annul.audit_events where id in (
          select id from annul.audit_events
          where at < (select max(hour) + interval '1 hour' from annul.audit_seals where purged_at is not null)
          order by at limit ${batchRows})
        returning 1`,
  )
  return removed.length
}
