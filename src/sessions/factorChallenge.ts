import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { and, eq, gt, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import { appendAuditAlone } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { factorChallenges, factors, users } from '../database/tables.ts'
import { AuthError, badUserInput, type FactorMethod, secondFactorRequired } from '../errors.ts'
import { originOf } from '../input/origin.ts'
import type { Attempt } from '../limits/limits.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { checkFactor, checkInput } from './checkFactor.ts'
import type { FactorInput, FactorProof } from './factorProof.ts'
import type { Checked } from './readCredentials.ts'

/*
 * The time between a right password and the session: a row that knows what was checked, and the versions that it was
 * checked against. Its text is known to the client alone.
 */

const lifeMinutes = 5
/** Answers to one challenge. A code of 6 digits is guessed with a chance of 15 in a million: three steps are accepted. */
const maxTries = 5

export type FactorChallenge = typeof factorChallenges.$inferSelect

/** A reset that waits: the link's token is used up, and the password changed, together with the factor. */
export interface WaitingReset {
  readonly tokenId: string
  readonly passwordHash: string
}

/** @returns what `login`, or `resetPassword`, answers: SECOND_FACTOR_REQUIRED */
export async function askForFactor(
  tx: Queries,
  { user, epoch }: Pick<Checked, 'user' | 'epoch'>,
  reset?: WaitingReset,
): Promise<AuthError> {
  const text = randomBytes(32).toString('base64url')
  await tx.insert(factorChallenges).values({
    id: randomUUID(),
    hash: hashOf(text),
    userId: user.id,
    sessionVersion: user.sessionVersion,
    epoch,
    ...reset,
    expiresAt: sql`now() + make_interval(mins => ${lifeMinutes})`,
  })
  return secondFactorRequired(text, await methodsOf(tx, user.id))
}

/** The kinds of factors that the account can answer with. */
async function methodsOf(tx: Queries, userId: string): Promise<FactorMethod[]> {
  const codesLeft = sql<boolean>`exists (
    select from annul.recovery_codes c where c.factor_id = ${factors.id} and c.used_at is null)`
  const found = await tx
    .select({ kind: factors.kind, codesLeft })
    .from(factors)
    .where(and(eq(factors.userId, userId), isNotNull(factors.confirmedAt)))
  const usable = found.filter(({ kind, codesLeft }) => kind !== 'RECOVERY_CODE' || codesLeft)
  const order: FactorMethod[] = ['PASSKEY', 'TOTP', 'RECOVERY_CODE']
  return order.filter(method => usable.some(({ kind }) => kind === method))
}

/** A challenge and a right answer to it. Both are used up in the transaction of what they allow. */
export interface Answered {
  readonly challenge: FactorChallenge
  readonly proof: FactorProof
  readonly attempt: Attempt
  /** The refusal of a challenge that is dead by the time it is used up. */
  readonly refused: AuthError
}

/**
 * Checks an answer to a challenge. One try of the challenge and one of the account's budget are charged before the answer
 * is looked at, each in one atomic statement: so no number of answers at once is checked more often than that.
 *
 * @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID, CODE_INVALID, PASSKEY_INVALID or FACTOR_INPUT_INVALID,
 *   TOO_MANY_REQUESTS
 */
export async function answerChallenge(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { challenge: string; factor: FactorInput },
): Promise<Answered> {
  const factor = checkInput(input.factor, 'input.factor')
  const refused = challengeRefused()
  const found = await findChallenge(parts, visitor, input.challenge, 'input.challenge')
  const attempt = await parts.limits.charge(visitor, 'factor', { account: found.account })
  const challenge = await attempt.run(() => takeTry(parts.db, found.id))
  const { userId } = challenge
  const boundTo = boundToChallenge(challenge)
  try {
    const proof = await checkFactor(parts, visitor, factor, { userId, boundTo, argument: 'input.factor' })
    return { challenge, proof, attempt, refused }
  } catch (error) {
    // An outage is no wrong answer.
    if (error instanceof AuthError && error.code === 'BAD_USER_INPUT')
      await appendAuditAlone(parts, {
        kind: 'second-factor-failed',
        userId,
        detail: Object.keys(factor).find(name => factor[name as keyof FactorInput] != null),
        ...originOf(visitor),
      })
    else await attempt.succeeded()
    throw error
  }
}

/** What a passkey's challenge for it is made for. */
export function boundToChallenge({ id }: Pick<FactorChallenge, 'id'>): string {
  return `login ${id}`
}

const isLive = and(
  isNull(factorChallenges.spentAt),
  gt(factorChallenges.expiresAt, sql`now()`),
  lt(factorChallenges.tries, maxTries),
)

/**
 * A live challenge, and its account.
 *
 * @param argument the path of the argument that is refused
 * @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID; TOO_MANY_REQUESTS after many texts that are none
 */
export async function findChallenge(
  parts: Pick<Parts, 'db' | 'limits'>,
  visitor: DeviceVisitor,
  text: string,
  argument: string,
): Promise<{ id: string; userId: string; account: string }> {
  const [found] = await parts.db
    .select({ id: factorChallenges.id, userId: factorChallenges.userId, emailKey: users.emailKey })
    .from(factorChallenges)
    .innerJoin(users, eq(users.id, factorChallenges.userId))
    .where(and(eq(factorChallenges.hash, hashOf(text)), isLive))
  if (found !== undefined) return { id: found.id, userId: found.userId, account: found.emailKey ?? '' }
  // 256 bits are not guessed: the limit keeps noise small.
  await parts.limits.charge(visitor, 'token', {})
  throw challengeRefused(argument)
}

/** @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID */
async function takeTry(queries: Queries, id: string): Promise<FactorChallenge> {
  const [challenge] = await queries
    .update(factorChallenges)
    .set({ tries: sql`${factorChallenges.tries} + 1` })
    .where(and(eq(factorChallenges.id, id), isLive))
    .returning()
  if (challenge === undefined) throw challengeRefused()
  return challenge
}

/** Uses an answered challenge up, atomically. @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID */
export async function spendChallenge(tx: Queries, { challenge, refused }: Answered): Promise<void> {
  const spent = await tx
    .update(factorChallenges)
    .set({ spentAt: sql`now()` })
    .where(
      and(
        eq(factorChallenges.id, challenge.id),
        isNull(factorChallenges.spentAt),
        gt(factorChallenges.expiresAt, sql`now()`),
      ),
    )
    .returning({ id: factorChallenges.id })
  if (spent.length === 0) throw refused
}

function challengeRefused(argument = 'input.challenge'): AuthError {
  return badUserInput(
    argument,
    'CHALLENGE_INVALID',
    'This challenge is not valid, was used already or has expired. Please sign in again.',
  )
}

function hashOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
