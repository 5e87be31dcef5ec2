import { sql } from 'drizzle-orm'
import { type Database, rows } from '../database/open.ts'
import { clockRate } from './clock.ts'
import { Sightings } from './sightings.ts'
import { revocationKeptMs } from './view.ts'

/** Rows of the log that concern no token that can still be live. Revoked keys stay for ever. @param batchRows how many at most */
export const expiredRevocations = (batchRows: number) => sql`
  delete from annul.revocations where id in (
    select id from annul.revocations where revoked_at < now() - make_interval(secs => ${revocationKeptMs / 1000})
      and kind <> 'key'
    order by revoked_at limit ${batchRows})
  returning 1`

/** Removes the rows of nodes that have died. */
export interface DeadNodes {
  /** @returns how many were removed: those whose beat stood still for the longest lease between two calls */
  forget(): Promise<number>
  /** How long after a first call a second call finds the dead nodes, in milliseconds. */
  pauseMs(): number
}

/**
 * @param own the row of this process. On the embedded database it does not beat: it keeps the lease of the process for the
 *   process that comes after a crash (embeddedRevocation.ts)
 */
export function deadNodes(db: Database, own: () => string | undefined): DeadNodes {
  const sightings = new Sightings()
  let longestLeaseMs = 0
  return {
    async forget() {
      const found = await rows<{ id: string; beat: string; leaseMs: number }>(
        db,
        sql`select id::text, beat::text, lease_ms as "leaseMs" from annul.nodes`,
      )
      longestLeaseMs = Math.max(longestLeaseMs, ...found.map(node => node.leaseMs))
      let removed = 0
      const others = found.filter(({ id }) => id !== own())
      for (const { id, beat } of sightings.see(others, performance.now(), longestLeaseMs)) {
        const gone = sql`delete from annul.nodes where id = ${id} and beat = ${beat} returning 1`
        removed += (await rows(db, gone)).length
      }
      return removed
    },
    pauseMs: () => longestLeaseMs * clockRate,
  }
}
