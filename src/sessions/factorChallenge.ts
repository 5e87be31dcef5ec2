import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { and, eq, gt, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { missedReference } from '../database/outage.ts'
import { factorChallenges, factors } from '../database/tables.ts'
import {
  type AuthError,
  badUserInput,
  type FactorMethod,
  invalidCredentials,
  secondFactorRequired,
} from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import type { Checked } from './readCredentials.ts'

/*
 * The time between a right password and the session: a row that knows what was checked, and the versions that it was
 * checked against. Its text is known to the client alone.
 */

const lifeMinutes = 5
/** Answers to one challenge. Three codes of a million are right at a time, for each app of the account. */
export const maxTries = 5

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
  await tx
    .insert(factorChallenges)
    .values({
      id: randomUUID(),
      hash: hashOf(text),
      userId: user.id,
      sessionVersion: user.sessionVersion,
      epoch,
      ...reset,
      expiresAt: sql`now() + make_interval(mins => ${lifeMinutes})`,
    })
    .catch(error => {
      // recoverAccount has given the user another id meanwhile, and the password that was checked is unset.
      throw missedReference(error) ? invalidCredentials() : error
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
 * A live challenge, and its user.
 *
 * @param argument the path of the argument that is refused
 * @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID; TOO_MANY_REQUESTS after many texts that are none
 */
export async function findChallenge(
  parts: Pick<Parts, 'db' | 'limits'>,
  visitor: DeviceVisitor,
  text: string,
  argument: string,
): Promise<{ id: string; userId: string }> {
  const [found] = await parts.db
    .select({ id: factorChallenges.id, userId: factorChallenges.userId })
    .from(factorChallenges)
    .where(and(eq(factorChallenges.hash, hashOf(text)), isLive))
  if (found !== undefined) return found
  // 256 bits are not guessed: the limit keeps noise small.
  await parts.limits.charge(visitor, 'token', {})
  throw challengeRefused(argument)
}

/** What a page shows of a challenge: how it can be answered, and how often. undefined: the challenge is dead. */
export async function readChallenge(
  { db }: Pick<Parts, 'db'>,
  text: string,
): Promise<{ methods: FactorMethod[]; triesLeft: number } | undefined> {
  const [found] = await db
    .select({ userId: factorChallenges.userId, tries: factorChallenges.tries })
    .from(factorChallenges)
    .where(and(eq(factorChallenges.hash, hashOf(text)), isLive))
  return found && { methods: await methodsOf(db, found.userId), triesLeft: maxTries - found.tries }
}

/** Charges a try of a live challenge, atomically. @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID */
export async function takeTry(queries: Queries, id: string): Promise<FactorChallenge> {
  const [challenge] = await queries
    .update(factorChallenges)
    .set({ tries: sql`${factorChallenges.tries} + 1` })
    .where(and(eq(factorChallenges.id, id), isLive))
    .returning()
  if (challenge === undefined) throw challengeRefused()
  return challenge
}

/** Gives a try back, where the answer was not looked at after all. */
export async function giveTryBack(queries: Queries, id: string): Promise<void> {
  await queries
    .update(factorChallenges)
    .set({ tries: sql`${factorChallenges.tries} - 1` })
    .where(eq(factorChallenges.id, id))
}

/** Uses an answered challenge up, atomically. @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID */
export async function spendChallenge(tx: Queries, challenge: FactorChallenge): Promise<void> {
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
  if (spent.length === 0) throw challengeRefused()
}

/** One refusal for a challenge that is unknown, dead, expired or used up. */
export function challengeRefused(argument = 'input.challenge'): AuthError {
  return badUserInput(
    argument,
    'CHALLENGE_INVALID',
    'This challenge is not valid, was used already or has expired. Please sign in again.',
  )
}

function hashOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
