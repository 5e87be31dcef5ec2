import { createHash } from 'node:crypto'
import { and, eq, lt, sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { databaseTime } from '../database/clock.ts'
import type { Queries } from '../database/open.ts'
import { preparedOnce } from '../database/preparedOnce.ts'
import { sessionColumns, userColumns } from '../database/rows.ts'
import { epochs, sessions, users } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import { AuthError, badUserInput, invalidRefreshToken, type Reason, unavailable } from '../errors.ts'
import { originOf } from '../input/origin.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import type { Subject } from '../revocation/fence.ts'
import { revoking, untilRevoked } from '../revocation/revoking.ts'
import type { RefreshClaims } from '../tokens/refreshToken.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { issueTokens, type Tokens } from './issueTokens.ts'

import { endOf, expired, isLive, lockSession } from './sessionState.ts'

/*
 * Refresh: no honest user is logged out, and every thief of a token is caught.
 *
 * A session has one live generation; a refresh makes the next one. An older generation comes either from an honest
 * client whose answer was lost, or from somebody with a copy. The honest client repeats the attempt, a random text that
 * it stored before it sent the token. So the same attempt gets the same child token, and no attempt or another one is
 * theft. Time decides nothing, except within the grace for clients without attempts (ANNUL_REFRESH_REUSE_SECONDS).
 */

export interface RefreshInput {
  readonly refreshToken: string
  /** Fixed by the client before it sends, and repeated on every retry: 22 to 128 characters. */
  readonly attempt?: string | null | undefined
}

/**
 * The next tokens of a session.
 *
 * @throws AuthError INVALID_REFRESH_TOKEN with the reason, BAD_USER_INPUT for the attempt, UNAVAILABLE
 */
export async function refresh(parts: Parts, visitor: DeviceVisitor, input: RefreshInput): Promise<Tokens> {
  const presented = readRefreshToken(parts, visitor, input.refreshToken)
  const attempt = hashAttempt(input.attempt)

  // The usual path is the first line of the loop: one statement in one round trip.
  for (let tries = 0; tries < 3; tries++) {
    const rotated = await rotate(parts, visitor, presented, attempt)
    if (rotated) return counted(parts, 'ROTATED', rotated)

    const state = await readState(parts.db, presented, attempt)
    const verdict = judge(state, presented, attempt !== null, parts.config.refreshReuseSeconds)
    switch (verdict) {
      case 'CURRENT':
        // The UPDATE waited for a change of the password on this device, and joined the session's new row with the
        // user's old one. Nothing is wrong: try again.
        continue
      case 'REPLAYED':
        return counted(parts, 'REPLAYED', issueTokens(parts, visitor, state as State))
      case 'THEFT':
        if (!(await endForTheft(parts, visitor, presented, attempt, state?.user.emailKey ?? ''))) continue
        throw refused(parts, 'REFRESH_REUSED')
      case 'AHEAD':
        parts.log.error(
          presented,
          'A refresh token is ahead of its session: was a backup restored? Run "annul restored".',
        )
        throw refused(parts, 'TOKEN_INVALID', 'AHEAD')
      default:
        // Every further answer to a theft, too, comes after all nodes refuse.
        if (verdict === 'REFRESH_REUSED') await untilRevoked(parts, visitor, endedWith(presented, state))
        throw refused(parts, verdict)
    }
  }
  throw unavailable()
}

function counted(parts: Parts, outcome: string, tokens: Tokens): Tokens {
  parts.metrics.refreshed(outcome)
  return tokens
}

function refused(parts: Parts, reason: Reason | 'TOKEN_STALE', outcome: string = reason): AuthError {
  parts.metrics.refreshed(outcome)
  return invalidRefreshToken(reason)
}

/**
 * Checks the MAC before any query: garbage costs no query, and a forged token never counts as theft.
 *
 * @throws AuthError INVALID_REFRESH_TOKEN / TOKEN_INVALID, TOO_MANY_REQUESTS after many such tokens
 */
export function readRefreshToken(
  parts: Pick<Parts, 'refreshTokens' | 'limits'>,
  visitor: DeviceVisitor,
  refreshToken: string,
): RefreshClaims {
  const read = parts.refreshTokens.read(refreshToken)
  // Only after the check: an authentic token is never limited.
  if (typeof read === 'string') parts.limits.forgedToken(visitor)
  switch (read) {
    case 'malformed':
      throw invalidRefreshToken('TOKEN_INVALID', 'This is not a refresh token, or a part of it is missing.')
    case 'foreign':
      throw invalidRefreshToken('TOKEN_INVALID', 'This refresh token was issued by another server.')
    case 'forged':
      throw invalidRefreshToken('TOKEN_INVALID', 'This refresh token is not authentic.')
    default:
      return read
  }
}

function hashAttempt(attempt: string | null | undefined): Uint8Array | null {
  if (attempt == null) return null
  checkAttempt(attempt)
  return createHash('sha256').update(attempt).digest()
}

/** @throws AuthError BAD_USER_INPUT / ATTEMPT_INVALID */
export function checkAttempt(attempt: string): void {
  if (!/^[A-Za-z0-9_.-]{22,128}$/.test(attempt))
    throw badUserInput(
      'attempt',
      'ATTEMPT_INVALID',
      'An attempt has 22 to 128 characters of A-Z, a-z, 0-9, "-", "_" and ".".',
    )
}

/**
 * Rotates the live generation, and reads all that the tokens need from the same row versions. In a race with a kill
 * either nothing is rotated, or the new tokens are refused from the start.
 *
 * Where the app's claims fail, nothing is issued, although the generation is rotated. A client with an attempt repeats
 * the attempt, and gets its tokens when the claims work again. A client without one would then be taken for a thief: its
 * rotation is undone, at the price of a COMMIT.
 */
async function rotate(
  parts: Parts,
  visitor: DeviceVisitor,
  presented: RefreshClaims,
  attempt: Uint8Array | null,
): Promise<Tokens | undefined> {
  const isUndone = parts.app.claims !== undefined && attempt === null
  const rotateIn = async (queries: Queries) => {
    const [row] = await rotation(queries).execute({
      attempt,
      idleSeconds: parts.config.sessionIdleSeconds,
      sessionId: presented.sessionId,
      generation: presented.generation,
    })
    // Without a wait, a client without an attempt would lose its session: it has no token of this generation yet.
    if (!isUndone) await parts.keys.awaitCurrent()
    return row && issueTokens(parts, visitor, row)
  }
  if (!isUndone) return rotateIn(parts.db)
  return transact(parts, rotateIn).catch(async error => {
    if (!(error instanceof AuthError && error.code === 'UNAVAILABLE')) throw error
    // The rotation was undone. Nobody waits in the transaction, because the key is read by another connection, and those
    // who wait may have all of them.
    await parts.keys.awaitCurrent()
    return transact(parts, rotateIn)
  })
}

/** The largest number that the column holds. A client that refreshes once a second gets there after 68 years. */
const maxGeneration = 2 ** 31 - 1

const { placeholder } = sql

const rotation = preparedOnce(db =>
  db
    .update(sessions)
    .set({
      generation: sql`${sessions.generation} + 1`,
      attempts: sql`(array[${placeholder('attempt')}::bytea] || ${sessions.attempts})[1:8]`,
      // Rounded down: a time that is rounded up to the next second would be later than the iat of its access token.
      rotatedAt: sql`date_trunc('milliseconds', now())`,
      lastUsedAt: sql`now()`,
      idleExpiresAt: sql`now() + make_interval(secs => ${placeholder('idleSeconds')})`,
    })
    .from(users)
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(
      and(
        eq(sessions.id, placeholder('sessionId')),
        eq(sessions.generation, placeholder('generation')),
        lt(sessions.generation, maxGeneration),
        eq(users.id, sessions.userId),
        isLive,
      ),
    )
    .returning({ user: userColumns, session: sessionColumns, epoch: epochs.epoch, readAt: databaseTime })
    .prepare('annul_rotate'),
)

type State = NonNullable<Awaited<ReturnType<typeof readState>>>

async function readState(queries: Queries, presented: RefreshClaims, attempt: Uint8Array | null) {
  const behind = sql`(${sessions.generation} - ${presented.generation}::int)`
  const [state] = await queries
    .select({
      user: userColumns,
      session: sessionColumns,
      epoch: epochs.epoch,
      readAt: databaseTime,
      expired,
      /** Whether the attempt that made the generation after the presented one is the attempt that is sent now. */
      sameAttempt: sql<boolean>`coalesce(${sessions.attempts}[${behind}] = ${attempt}::bytea, false)`,
      noAttempt: sql<boolean>`${sessions.attempts}[${behind}] is null`,
      secondsSinceRotation: sql<number>`extract(epoch from now() - ${sessions.rotatedAt})::float8`,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(eq(sessions.id, presented.sessionId))
  return state
}

type Verdict = 'CURRENT' | 'REPLAYED' | 'TOKEN_STALE' | 'THEFT' | 'AHEAD' | Reason

/** The rules of refresh, on one reading of the rows. */
function judge(
  state: State | undefined,
  presented: RefreshClaims,
  attempted: boolean,
  reuseSeconds: number,
): Verdict {
  // The token is authentic, but its session is gone: ended sessions are deleted after a month.
  if (state === undefined) return 'SESSION_EXPIRED'
  const over = endOf(state)
  if (over) return over
  const behind = state.session.generation - presented.generation
  if (behind < 0) return 'AHEAD'
  if (behind === 0) return 'CURRENT'
  if (behind === 1 && state.sameAttempt) return 'REPLAYED'
  if (behind <= 8 && state.sameAttempt) return 'TOKEN_STALE'
  const graced = behind === 1 && !attempted && state.noAttempt && state.secondsSinceRotation <= reuseSeconds
  return graced && reuseSeconds > 0 ? 'REPLAYED' : 'THEFT'
}

/** What a theft has ended: the session, or all sessions of the user (ANNUL_REFRESH_REUSE_ENDS). */
function endedWith({ sessionId }: RefreshClaims, state: State | undefined): Subject[] {
  const session: Subject = { kind: 'session', subject: sessionId }
  if (state === undefined || state.session.sessionVersion === state.user.sessionVersion) return [session]
  return [session, { kind: 'user', subject: state.user.id }]
}

/**
 * Answers a theft: ends the session, or all sessions of the user (ANNUL_REFRESH_REUSE_ENDS), and the access tokens.
 * Judged again under lock, because the session may have changed meanwhile.
 *
 * @returns false when the new verdict is not theft
 */
async function endForTheft(
  parts: Parts,
  visitor: DeviceVisitor,
  presented: RefreshClaims,
  attempt: Uint8Array | null,
  account: string,
): Promise<boolean> {
  const isTold = await parts.limits.warns('reuse-detected', account)
  const subject: Subject = { kind: 'session', subject: presented.sessionId }
  return revoking(parts, visitor, subject, async (tx, revoke) => {
    await lockSession(tx, presented.sessionId)
    const state = await readState(tx, presented, attempt)
    const verdict = judge(state, presented, attempt !== null, parts.config.refreshReuseSeconds)
    if (state === undefined || verdict !== 'THEFT') return false

    await revoke.session(presented.sessionId, 'REFRESH_REUSED')
    if (parts.config.refreshReuseEnds === 'user')
      await revoke.user(state.user.id, 'REFRESH_REUSED', { sessions: true })
    await appendAudit(tx, {
      kind: 'refresh-reused',
      userId: state.user.id,
      sessionId: presented.sessionId,
      ...originOf(visitor),
      detail: `generation ${presented.generation} presented, ${state.session.generation} current`,
    })
    if (isTold) await queueSecurityMail(tx, 'reuse-detected', state.user, visitor)
    return true
  })
}
