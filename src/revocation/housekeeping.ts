import { type SQL, sql } from 'drizzle-orm'
import { type Database, rows } from '../database/open.ts'

/** What a purge removed, in rows. */
export interface Purged {
  readonly revocations: number
  readonly sessions: number
}

/** A row of the log matters while an access token that it concerns can live: 3600 s and two margins of a minute. */
const revocationSeconds = 3720
/** Ended sessions are kept for their reasons. */
const sessionDays = 30
const batch = 1000

/** Removes what nobody can need any more, in small batches, so that nothing waits for it. */
export async function purge(db: Database): Promise<Purged> {
  return {
    revocations: await inBatches(
      db,
      sql`delete from annul.revocations where id in (
        select id from annul.revocations where revoked_at < now() - make_interval(secs => ${revocationSeconds})
        order by revoked_at limit ${batch}) returning 1`,
    ),
    sessions: await inBatches(
      db,
      sql`delete from annul.sessions where id in (
        select id from annul.sessions
        where least(ended_at, idle_expires_at, expires_at) < now() - make_interval(days => ${sessionDays})
        limit ${batch}) returning 1`,
    ),
  }
}

async function inBatches(db: Database, statement: SQL): Promise<number> {
  let removed = 0
  for (;;) {
    const { length } = await rows(db, statement)
    removed += length
    if (length < batch) return removed
  }
}
