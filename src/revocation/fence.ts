import { type SQL, sql } from 'drizzle-orm'
import { oneRow, type Queries, rows } from '../database/open.ts'
import { type Transacting, transact } from '../database/transact.ts'
import { unauthenticated } from '../errors.ts'
import { keyIdOf } from '../tokens/accessToken.ts'
import { judgeStanding, type Standing, standingColumns } from './standing.ts'
import type { RevocableClaims } from './view.ts'

/*
 * Refusing requests is not enough. A mutation that has passed its check may wait for a connection, and would commit
 * after its author was demoted. So every verb that acts for a viewer begins its transaction with `fence`, and every
 * kill ends with `drained` (drain.ts), after its commit:
 *
 *   fence    locks everyone, the user, the session and the signing key, shared; THEN reads their rows; refuses a token
 *            that the rows say is dead
 *   kill     changes the rows, commits; THEN finds the transactions that hold these locks, and waits until they end
 *
 * Why nothing that a dead token asked for commits after the kill has returned. Take any transaction with a fence:
 *  - It got its shared lock before the kill looked for holders: the kill waits until that transaction has ended.
 *  - It got its shared lock later: so after the kill's commit, too. Its read begins after its lock was granted, and a
 *    statement under READ COMMITTED sees all that had committed when the statement began: the transaction is refused.
 *
 * Lock and read are two statements for that reason: the snapshot of a single one is older than the wait for its lock.
 * They are sent together, with BEGIN before them, so that all three cost one round trip.
 *
 * No deadlock, and no stall: a fence takes its locks before everything else in its transaction, always in one order,
 * and all of them shared. A kill waits for no lock.
 */

/** The part of a viewer that a fence looks at. */
export interface Fenced {
  readonly userId: string
  /** null: a former system's token, which has no session. */
  readonly sessionId: string | null
  readonly roles: readonly string[]
  readonly claims: RevocableClaims & { readonly exp: number }
}

/** What a kill concerns. */
export interface Subject {
  readonly kind: 'session' | 'user' | 'everyone' | 'key'
  /** The id of the session, the user or the signing key. */
  readonly subject?: string | undefined
}

interface FenceRow extends Standing {
  readonly isolation: string
  readonly wrote: boolean
  readonly status: string | null
  readonly roles_kept: boolean
}

/**
 * To be called first in a transaction that acts for a viewer. When the viewer's token is killed, the kill returns only
 * after this transaction has ended. Once the kill has committed, a fence that begins later is refused.
 *
 * @param tx a transaction under READ COMMITTED that has written and locked nothing yet
 * @throws AuthError UNAUTHENTICATED with the reason that killed the token meanwhile
 * @throws Error for another isolation level, or where the fence is not the first statement
 */
export async function fence(tx: Pick<Queries, 'execute'>, viewer: Fenced): Promise<void> {
  const [, { standing }] = await Promise.all([
    rows(tx, lockShared(viewer)),
    oneRow<{ standing: string }>(tx, readStanding(viewer)),
  ])
  const row = JSON.parse(standing) as FenceRow
  if (row.isolation !== 'read committed')
    throw new Error(`A fence needs READ COMMITTED, and this transaction is ${row.isolation.toUpperCase()}.`)
  if (row.wrote) throw new Error('A fence must be the first statement of its transaction.')
  const reason =
    judgeStanding(viewer.claims, row) ??
    // A row that was changed by hand keeps its version. Its user may read until the token expires, but not write.
    (row.status === 'BLOCKED' ? 'USER_BLOCKED' : row.roles_kept ? undefined : 'ACCESS_CHANGED')
  if (reason) throw unauthenticated(reason)
}

/**
 * Runs a transaction for a viewer, behind a fence. `viewer` is null on the command line, whose operator needs none.
 *
 * @throws AuthError UNAUTHENTICATED, and what `work` throws
 */
export function fenced<T>(
  parts: Transacting,
  viewer: Fenced | null,
  work: (tx: Queries) => Promise<T>,
): Promise<T> {
  return transact(parts, async tx => {
    if (viewer !== null) await fence(tx, viewer)
    return work(tx)
  })
}

const everyone: Subject = { kind: 'everyone' }

/** Always in this order: everyone, user, session, key. */
function lockShared({ userId, sessionId, claims }: Fenced): SQL {
  const keyId = keyIdOf(claims)
  const keys = [
    lockKey(everyone),
    lockKey({ kind: 'user', subject: userId }),
    ...(sessionId === null ? [] : [lockKey({ kind: 'session', subject: sessionId })]),
    ...(keyId === undefined ? [] : [lockKey({ kind: 'key', subject: keyId })]),
  ]
  return sql`select ${sql.join(
    keys.map(key => sql`pg_advisory_xact_lock_shared(${key})`),
    sql`, `,
  )}`
}

/** @internal The number that is locked for a subject. */
export function lockKey(subject: Subject): SQL {
  return hashOf(nameOf(subject))
}

export function nameOf({ kind, subject = '' }: Subject): string {
  return `${kind} ${subject}`
}

/** If two names share a hash, a kill waits for an unrelated transaction, which does no harm. */
function hashOf(name: string): SQL {
  return sql`hashtextextended(${`annul fence ${name}`}::text, 0)`
}

/** How long a transaction may hold a fence, an app's included: then the server ends the transaction (PostgreSQL 17). */
export const transactionSeconds = 30

function readStanding({ userId, sessionId, roles, claims }: Fenced): SQL {
  // Roles have neither quotes nor backslashes (admin/setUserAccess.ts), so that each can stand in quotes.
  const claimed = `{${roles.map(role => `"${role}"`).join()}}`
  // As one text: an app's driver may rename columns, and a check of a missing column would let every token pass.
  return sql`
    select row_to_json(found)::text as standing from (
    select ${standingColumns}, u.status, coalesce(u.roles @> ${claimed}::text::text[], false) as roles_kept,
      current_setting('transaction_isolation') as isolation,
      pg_current_xact_id_if_assigned() is not null as wrote,
      case when current_setting('transaction_timeout', true) = '0'
        then set_config('transaction_timeout', ${`${transactionSeconds}s`}, true) end
    from annul.epochs e
    left join annul.signing_keys k on k.id = ${keyIdOf(claims) ?? null}::text
    left join annul.users u on u.id = ${userId}
    left join annul.sessions s on s.id = ${sessionId} and s.user_id = u.id) as found`
}
