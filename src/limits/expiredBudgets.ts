import { sql } from 'drizzle-orm'
import { failureDays, longestSeconds } from './budgets.ts'

/**
 * Budgets that time has made whole. Those with failures in a row stay for 90 days, because time gives no failure back.
 * A row that is charged meanwhile stays: the outer conditions are looked at once more under its lock.
 *
 * @param batchRows how many at most
 */
export const expiredBudgets = (batchRows: number) => {
  const isOver = sql`spent_at < now() - make_interval(secs => ${longestSeconds})
    and (failures = 0 or spent_at < now() - make_interval(days => ${failureDays}))`
  return sql`
    delete from annul.budgets where key in (
      select key from annul.budgets where ${isOver} order by spent_at limit ${batchRows})
    and ${isOver}
    returning 1`
}
