import { type SQL, sql } from 'drizzle-orm'
import { type Database, type Queries, rows } from './database/open.ts'
import { revocationKeptMs } from './revocation/view.ts'

/** What a purge removed, in rows. */
export interface Purged {
  readonly revocations: number
  readonly sessions: number
  readonly nodes: number
}

/** Ended sessions are kept for their reasons. */
const sessionDays = 30
const batchRows = 1000
/** Longer than the longest lease on the slowest clock (63 s): a node that was silent over two rounds is dead. */
const roundMs = 75_000
const sessionRounds = 48

/**
 * Removes what nobody can need any more: expired rows of the log, sessions that ended a month ago, nodes that died.
 * In small batches, each under one advisory lock, so that nodes share the work instead of repeating it.
 *
 * @param onError told of a round that failed; the next one comes in any case
 * @returns a function that stops it
 */
export function startHousekeeping(db: Database, onError: (error: unknown) => void): () => void {
  const silent = new SilentNodes()
  let round = 0
  const clean = async () => {
    await removeInBatches(db, expiredRevocations)
    // It reads the whole table, because an index on its columns would make every refresh dearer.
    if (round++ % sessionRounds === 0) await removeInBatches(db, forgottenSessions)
    await silent.forget(db)
  }
  // Nodes that start together don't come together.
  const timer = setInterval(() => clean().catch(onError), roundMs * (1 + Math.random() / 10)).unref()
  return () => clearInterval(timer)
}

/** Does it all at once. Takes as long as the longest lease, to tell dead nodes from silent ones. */
export async function purge(db: Database): Promise<Purged> {
  const silent = new SilentNodes()
  await silent.forget(db)
  const revocations = await removeInBatches(db, expiredRevocations)
  const sessions = await removeInBatches(db, forgottenSessions)
  await new Promise(resolve => setTimeout(resolve, silent.longestLeaseMs * clockRate))
  return { revocations, sessions, nodes: await silent.forget(db) }
}

const expiredRevocations = sql`
  delete from annul.revocations where id in (
    select id from annul.revocations where revoked_at < now() - make_interval(secs => ${revocationKeptMs / 1000})
    order by revoked_at limit ${batchRows})
  returning 1`

const forgottenSessions = sql`
  delete from annul.sessions where id in (
    select id from annul.sessions
    where least(ended_at, idle_expires_at, expires_at) < now() - make_interval(days => ${sessionDays})
    limit ${batchRows})
  returning 1`

async function removeInBatches(db: Database, statement: SQL): Promise<number> {
  let removed = 0
  for (;;) {
    const batch = await db.transaction(async tx => (await isMine(tx)) && (await rows(tx, statement)).length)
    removed += batch || 0
    if (batch === false || batch < batchRows) return removed
  }
}

async function isMine(tx: Queries): Promise<boolean> {
  const [row] = await rows<{ locked: boolean }>(
    tx,
    sql`select pg_try_advisory_xact_lock(hashtext('annul.housekeeping')) as locked`,
  )
  return row?.locked ?? false
}

/** Clocks may run up to 5 % apart. */
const clockRate = 1.05

/**
 * Removes rows of nodes whose beat stood still for the longest lease, by the own monotonic clock: such a node decides
 * nothing from memory, and the condition on the beat keeps it from beginning to at this moment (follow.ts).
 */
class SilentNodes {
  #seen = new Map<string, { beat: string; since: number }>()
  longestLeaseMs = 0

  /** @returns how many were removed */
  async forget(db: Database): Promise<number> {
    const found = await rows<{ id: string; beat: string; leaseMs: number }>(
      db,
      sql`select id::text, beat::text, lease_ms as "leaseMs" from annul.nodes`,
    )
    this.longestLeaseMs = Math.max(this.longestLeaseMs, ...found.map(node => node.leaseMs))
    const now = performance.now()
    const before = this.#seen
    this.#seen = new Map()
    let removed = 0
    for (const { id, beat } of found) {
      const known = before.get(id)
      const sighting = known?.beat === beat ? known : { beat, since: now }
      this.#seen.set(id, sighting)
      if (now - sighting.since >= this.longestLeaseMs * clockRate && known)
        removed += (
          await rows(db, sql`delete from annul.nodes where id = ${id} and beat = ${beat} returning 1`)
        ).length
    }
    return removed
  }
}
