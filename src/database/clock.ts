import { sql } from 'drizzle-orm'
import { type Database, oneRow } from './open.ts'

/** Seconds since 1970 with fractions, by the database's clock, while a statement runs. */
export const databaseTime = sql<number>`extract(epoch from clock_timestamp())::float8`

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

/**
 * Opens the clock, and measures the offset once.
 *
 * @param follower its time is the more precise one while it is fresh, because every beat brings the database's time
 */
export async function openClock(
  db: Database,
  follower: { isFresh(): boolean; databaseTime(): number | undefined },
): Promise<DatabaseClock> {
  let offset = 0
  const clock: DatabaseClock = {
    now() {
      const heard = follower.isFresh() ? follower.databaseTime() : undefined
      return heard === undefined ? performance.now() / 1000 + offset : heard / 1000
    },
    // The server read its clock between sending and answering: the middle is off by at most half of that.
    observe(time, sentAt) {
      offset = time - (sentAt + performance.now()) / 2000
    },
  }
  const sentAt = performance.now()
  const { time } = await oneRow<{ time: number }>(db, sql`select ${databaseTime} as time`)
  clock.observe(time, sentAt)
  return clock
}
