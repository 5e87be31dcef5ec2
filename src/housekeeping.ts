import { type SQL, sql } from 'drizzle-orm'
import { expiredEnrolments } from './accounts/expiredEnrolments.ts'
import { expiredOneTime } from './accounts/expiredOneTime.ts'
import { renewSignerKeys } from './accounts/renewSignerKeys.ts'
import { renewTotpSecrets } from './accounts/renewTotpSecrets.ts'
import { expiredFollowers } from './admin/expiredFollowers.ts'
import { rotateOldKeys } from './admin/rotateKeys.ts'
import { removeExpiredEvents } from './audit/expiredEvents.ts'
import { sealHours } from './audit/sealHours.ts'
import { type Database, type Queries, rows } from './database/open.ts'
import { expiredSpentChallenges } from './factors/spentChallenges.ts'
import { expiredBudgets } from './limits/expiredBudgets.ts'
import type { Parts } from './parts.ts'
import { deadNodes, expiredRevocations } from './revocation/purge.ts'
import { expiredChallenges } from './sessions/expiredChallenges.ts'
import { forgottenSessions } from './sessions/forgottenSessions.ts'
import { loadSecrets, type Secrets } from './tokens/secret.ts'
import { expiredSigningKeys } from './tokens/signingKeyRows.ts'

/** What a purge removed, in rows. */
export interface Purged {
  readonly revocations: number
  readonly sessions: number
  readonly auditEvents: number
  readonly oneTimeTokens: number
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
 * Removes rows that are no longer needed: expired rows of the log, expired one-time tokens and challenges, enrolments
 * that were left, budgets that are whole again, sessions that ended a month ago, audit events beyond ANNUL_AUDIT_DAYS,
 * keys that verify nothing any more, nodes and followers that died. Seals the hours of the audit that are complete. Makes
 * the next signing key when the newest is old. Encrypts anew what is encrypted under ANNUL_SECRET_PREVIOUS.
 * The batches are small, each under one advisory lock, so that nodes share the work instead of repeating it.
 *
 * @param onError called with the error of a round that failed; the next round comes in any case
 * @returns a function that stops it
 */
export function startHousekeeping(
  { app, db, config, log, revocation }: Pick<Parts, 'app' | 'db' | 'config' | 'log' | 'revocation'>,
  onError: (error: unknown) => void,
  everyMs = roundMs,
): () => void {
  const dead = deadNodes(db, () => revocation.node()?.id)
  let round = 0
  let secrets: Secrets | undefined
  const clean = async () => {
    await removeInBatches(db, byStatement(expiredRevocations(batchRows)))
    await removeInBatches(db, byStatement(expiredOneTime(batchRows)))
    await removeInBatches(db, byStatement(expiredChallenges(batchRows)))
    await removeInBatches(db, byStatement(expiredBudgets(batchRows)))
    await removeInBatches(db, byStatement(expiredSpentChallenges(batchRows)))
    await removeInBatches(db, byStatement(expiredFollowers(batchRows)))
    secrets ??= await loadSecrets(config)
    await rotateOldKeys({ app, db, config, log })
    const { hours, last } = await sealHours(db, secrets.secret)
    // In the log, the seal is out of reach of whoever can write to the database.
    if (last !== undefined) log.info({ hours, ...last }, 'Hours of the audit were sealed.')
    if (round++ % slowRounds === 0) {
      await removeInBatches(db, byStatement(forgottenSessions(batchRows)))
      await removeInBatches(db, byStatement(expiredSigningKeys(batchRows)))
      await removeInBatches(db, byStatement(expiredEnrolments(batchRows)))
      await renewSignerKeys(db, secrets)
      await renewTotpSecrets(db, secrets)
      await removeInBatches(db, tx => removeExpiredEvents(tx, config.auditDays, batchRows))
    }
    await dead.forget()
  }
  // The random part keeps nodes that start together from coming together.
  const timer = setInterval(() => clean().catch(onError), everyMs * (1 + Math.random() / 10)).unref()
  return () => clearInterval(timer)
}

/** Purges everything once. Takes as long as the longest lease, to tell dead nodes from living ones. */
export async function purge({
  db,
  config,
  revocation,
}: Pick<Parts, 'db' | 'config' | 'revocation'>): Promise<Purged> {
  const dead = deadNodes(db, () => revocation.node()?.id)
  await dead.forget()
  const oneTimeTokens = await removeInBatches(db, byStatement(expiredOneTime(batchRows)))
  await removeInBatches(db, byStatement(expiredChallenges(batchRows)))
  await removeInBatches(db, byStatement(expiredEnrolments(batchRows)))
  const revocations = await removeInBatches(db, byStatement(expiredRevocations(batchRows)))
  const sessions = await removeInBatches(db, byStatement(forgottenSessions(batchRows)))
  await removeInBatches(db, byStatement(expiredBudgets(batchRows)))
  await removeInBatches(db, byStatement(expiredSpentChallenges(batchRows)))
  await removeInBatches(db, byStatement(expiredFollowers(batchRows)))
  await removeInBatches(db, byStatement(expiredSigningKeys(batchRows)))
  await sealHours(db, (await loadSecrets(config)).secret)
  const auditEvents = await removeInBatches(db, tx => removeExpiredEvents(tx, config.auditDays, batchRows))
  await new Promise(resolve => setTimeout(resolve, dead.pauseMs()))
  return { revocations, sessions, auditEvents, oneTimeTokens, nodes: await dead.forget() }
}

const byStatement = (statement: SQL) => async (tx: Queries) => (await rows(tx, statement)).length

async function removeInBatches(db: Database, remove: (tx: Queries) => Promise<number>): Promise<number> {
  let removed = 0
  for (;;) {
    const batch = await db.transaction(async tx => (await isMine(tx)) && (await remove(tx)))
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
