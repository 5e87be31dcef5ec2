import { type SQL, sql } from 'drizzle-orm'
import { expiredEvents } from './audit/expiredEvents.ts'
import { type Database, type Queries, rows } from './database/open.ts'
import { expiredBudgets } from './limits/expiredBudgets.ts'
import type { Parts } from './parts.ts'
import { deadNodes, expiredRevocations } from './revocation/purge.ts'
import { forgottenSessions } from './sessions/forgottenSessions.ts'

/** What a purge removed, in rows. */
export interface Purged {
  readonly revocations: number
  readonly sessions: number
  readonly auditEvents: number
  readonly nodes: number
}

const batchRows = 1000
/** Longer than the longest lease on the slowest clock (63 s): a node that was silent over two rounds is dead. */
const roundMs = 75_000
/**
 * Rounds between two purges of rows that are kept for days. The purge of sessions reads the whole table, because an
 * index would make every refresh more expensive.
 */
const slowRounds = 48

/**
 * Removes rows that are no longer needed: expired rows of the log, sessions that ended a month ago, audit events beyond
 * ANNUL_AUDIT_DAYS, budgets that are whole again, nodes that died.
 * The batches are small, each under one advisory lock, so that nodes share the work instead of repeating it.
 *
 * @param onError called with the error of a round that failed; the next round comes in any case
 * @returns a function that stops it
 */
export function startHousekeeping(
  { db, config }: Pick<Parts, 'db' | 'config'>,
  onError: (error: unknown) => void,
  everyMs = roundMs,
): () => void {
  const dead = deadNodes(db)
  let round = 0
  const clean = async () => {
    await removeInBatches(db, expiredRevocations(batchRows))
    await removeInBatches(db, expiredBudgets(batchRows))
    if (round++ % slowRounds === 0) {
      await removeInBatches(db, forgottenSessions(batchRows))
      await removeInBatches(db, expiredEvents(config.auditDays, batchRows))
    }
    await dead.forget()
  }
  // The random part keeps nodes that start together from coming together.
  const timer = setInterval(() => clean().catch(onError), everyMs * (1 + Math.random() / 10)).unref()
  return () => clearInterval(timer)
}

/** Purges everything once. Takes as long as the longest lease, to tell dead nodes from living ones. */
export async function purge({ db, config }: Pick<Parts, 'db' | 'config'>): Promise<Purged> {
  const dead = deadNodes(db)
  await dead.forget()
  const revocations = await removeInBatches(db, expiredRevocations(batchRows))
  const sessions = await removeInBatches(db, forgottenSessions(batchRows))
  await removeInBatches(db, expiredBudgets(batchRows))
  const auditEvents = await removeInBatches(db, expiredEvents(config.auditDays, batchRows))
  await new Promise(resolve => setTimeout(resolve, dead.pauseMs()))
  return { revocations, sessions, auditEvents, nodes: await dead.forget() }
}

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
