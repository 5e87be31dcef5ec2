import { and, eq, gt, isNull, type SQL, sql } from 'drizzle-orm'
import { databaseTime } from '../database/clock.ts'
import type { Queries } from '../database/open.ts'
import type { SessionRow, UserRow } from '../database/rows.ts'
import { epochs, sessions, users } from '../database/tables.ts'
import { type Reason, storedReason, unauthenticated } from '../errors.ts'
import type { SessionViewer } from '../viewer.ts'

import type { TokenSource } from './issueTokens.ts'

/** Whether a session's time is over, as a column. */
export const expired = sql<boolean>`(${sessions.expiresAt} <= now() or ${sessions.idleExpiresAt} <= now())`

/** Live sessions, as a condition on `sessions` joined with their user and the epoch. */
export const isLive: SQL | undefined = and(
  isNull(sessions.endedAt),
  gt(sessions.expiresAt, sql`now()`),
  gt(sessions.idleExpiresAt, sql`now()`),
  eq(sessions.sessionVersion, users.sessionVersion),
  eq(sessions.epoch, epochs.epoch),
  eq(users.status, 'ACTIVE'),
)

/** Why a session is over, or undefined while it lives. Reasons in the order of access tokens: everyone, user, session. */
export function endOf(state: {
  session: Pick<SessionRow, 'sessionVersion' | 'epoch' | 'endedAt' | 'endReason'>
  user: Pick<UserRow, 'sessionVersion' | 'sessionReason' | 'status'>
  epoch: number
  expired: boolean
}): Reason | undefined {
  const { session, user } = state
  if (session.epoch < state.epoch) return 'EVERYTHING_REVOKED'
  if (session.sessionVersion < user.sessionVersion || user.status !== 'ACTIVE')
    return storedReason(user.sessionReason)
  if (session.endedAt !== null) return storedReason(session.endReason)
  return state.expired ? 'SESSION_EXPIRED' : undefined
}

/** Locks a session, after its user as everywhere, so that what is read afterwards stays true until the commit. */
export async function lockSession(tx: Queries, sessionId: string): Promise<void> {
  const owner = tx.select({ id: sessions.userId }).from(sessions).where(eq(sessions.id, sessionId))
  const locked = tx
    .$with('locked')
    .as(tx.select({ id: users.id }).from(users).where(eq(users.id, owner)).for('no key update'))
  // The session's row is joined with its user's row, which is locked by then: so it is locked second.
  await tx
    .with(locked)
    .select({ id: sessions.id })
    .from(sessions)
    .innerJoin(locked, eq(locked.id, sessions.userId))
    .where(eq(sessions.id, sessionId))
    .for('no key update')
}

/**
 * The viewer's session and user, locked and alive. A verb that keeps this session and ends others begins with this
 * lock. Otherwise the session of an attacker would survive whose "revoke the others" races the owner's "revoke all".
 *
 * @throws AuthError UNAUTHENTICATED with the reason that ended the session meanwhile
 */
export async function lockViewer(tx: Queries, viewer: SessionViewer): Promise<TokenSource> {
  await lockSession(tx, viewer.sessionId)
  return readLiveSession(tx, viewer.sessionId)
}

/** As readSession. @throws AuthError UNAUTHENTICATED with the reason that ended the session */
export async function readLiveSession(queries: Queries, sessionId: string) {
  const state = await readSession(queries, sessionId)
  if (state === undefined) throw unauthenticated('SESSION_EXPIRED')
  const over = endOf(state)
  if (over) throw unauthenticated(over)
  return state
}

/** A session with its user, the epoch and the database's time, of one instant. */
export async function readSession(queries: Queries, sessionId: string) {
  const [state] = await queries
    .select({ session: sessions, user: users, epoch: epochs.epoch, expired, readAt: databaseTime })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(eq(sessions.id, sessionId))
  return state
}
