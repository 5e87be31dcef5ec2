import { sql } from 'drizzle-orm'
import { type Database, oneRow } from './open.ts'

/**
 * Database time on this node: the node's own clock may be hours off. Monotonic time plus an offset that every answer
 * with the database's time corrects.
 */
export interface DatabaseClock {
  /** Seconds since 1970, with fractions. */
  now(): number
  /** @param time the database's, in seconds; @param sentAt when the statement was sent, by `performance.now()` */
  observe(time: number, sentAt: number): void
}

/** Measures the offset once. */
export async function openClock(db: Database): Promise<DatabaseClock> {
  let offset = 0
  const clock: DatabaseClock = {
    now: () => performance.now() / 1000 + offset,
    // The server read its clock between sending and answering: the middle is off by at most half of that.
    observe(time, sentAt) {
      offset = time - (sentAt + performance.now()) / 2000
    },
  }
  const sentAt = performance.now()
  const { time } = await oneRow<{ time: number }>(
    db,
    sql`select extract(epoch from clock_timestamp())::float8 as time`,
  )
  clock.observe(time, sentAt)
  return clock
}
