import { eq, type SQL } from 'drizzle-orm'
import { databaseTime } from '../database/clock.ts'
import type { Queries } from '../database/open.ts'
import { epochs, users } from '../database/tables.ts'

/**
 * A user's row, the epoch and the database's time, of one instant: what a password is checked against, and what the
 * tokens that follow are made from.
 */
export async function readCredentials(queries: Queries, condition: SQL) {
  const [found] = await queries
    .select({ user: users, epoch: epochs.epoch, readAt: databaseTime })
    .from(users)
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(condition)
  return found
}
