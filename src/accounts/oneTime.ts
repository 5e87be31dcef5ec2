import { createHash, randomUUID } from 'node:crypto'
import { and, asc, eq, gt, inArray, isNull, ne, or, type SQL, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { oneTimeTokens } from '../database/tables.ts'

/*
 * The life of one-time tokens. A verb that ends several of them locks the user's row first, and then the tokens in the
 * order of their ids: so no two verbs wait for each other in a circle.
 */

export type OneTimeToken = typeof oneTimeTokens.$inferSelect
export type Purpose = OneTimeToken['purpose']

export interface NewOneTimeToken {
  readonly purpose: Purpose
  /** null: a registration, or the request of an address that nobody has. Both look alike in the table and in time. */
  readonly userId: string | null
  readonly email: string
  readonly emailKey: string
  readonly passwordHash?: string | undefined
  /** The device that asked (visitor.device.id): the code beside the link counts there alone. Default: no code */
  readonly device?: string | undefined
}

const usualMinutes = 30
const restoreHours = 72

/** @returns the id of the new token's row. Older tokens that the new one takes the place of are dead. */
export async function makeOneTime(tx: Queries, made: NewOneTimeToken): Promise<string> {
  const { device, ...row } = made
  await endOneTime(tx, replacedBy(made))
  const id = randomUUID()
  const life =
    made.purpose === 'restore-email'
      ? sql`make_interval(hours => ${restoreHours})`
      : sql`make_interval(mins => ${usualMinutes})`
  await tx.insert(oneTimeTokens).values({
    ...row,
    id,
    device: device === undefined ? null : hashOfDevice(device),
    expiresAt: sql`now() + ${life}`,
  })
  return id
}

/**
 * Uses a token up, atomically: of many at once one gets the row, and all others get nothing.
 *
 * @returns the row, or undefined where the token is dead by now
 */
export async function spendOneTime(tx: Queries, id: string): Promise<OneTimeToken | undefined> {
  const [spent] = await tx
    .update(oneTimeTokens)
    .set({ endedAt: sql`now()` })
    .where(and(eq(oneTimeTokens.id, id), isLive))
    .returning()
  return spent
}

/**
 * Ends the tokens of a user whose password or e-mail changes. The way back to a former address survives: a thief would
 * change something more to close it.
 *
 * @param tx with the user's row locked
 */
export function endTokensOf(tx: Queries, userId: string): Promise<OneTimeToken[]> {
  return endOneTime(tx, and(eq(oneTimeTokens.userId, userId), ne(oneTimeTokens.purpose, 'restore-email')))
}

/** Ends all live tokens of a condition. @returns them, as they were */
export async function endOneTime(tx: Queries, condition: SQL | undefined): Promise<OneTimeToken[]> {
  const found = await lockOneTime(tx, condition)
  if (found.length > 0)
    await tx
      .update(oneTimeTokens)
      .set({ endedAt: sql`now()` })
      .where(inArray(oneTimeTokens.id, idsOf(found)))
  return found
}

/** Locks all live tokens of a condition. */
export function lockOneTime(tx: Queries, condition: SQL | undefined): Promise<OneTimeToken[]> {
  return tx
    .select()
    .from(oneTimeTokens)
    .where(and(condition, isLive))
    .orderBy(asc(oneTimeTokens.id))
    .for('update')
}

export function idsOf(tokens: readonly Pick<OneTimeToken, 'id'>[]): string[] {
  return tokens.map(({ id }) => id)
}

/** As the table holds a device. */
export function hashOfDevice(device: string): Uint8Array {
  return createHash('sha256').update(device).digest()
}

/** Neither used nor dead nor expired, as a condition. */
export const isLive: SQL | undefined = and(
  isNull(oneTimeTokens.endedAt),
  gt(oneTimeTokens.expiresAt, sql`now()`),
)

function replacedBy({ purpose, userId, emailKey, device }: NewOneTimeToken): SQL | undefined {
  const {
    purpose: purposeColumn,
    userId: userColumn,
    emailKey: keyColumn,
    device: deviceColumn,
  } = oneTimeTokens
  const byUser = userId === null ? undefined : eq(userColumn, userId)
  const byAddress = eq(keyColumn, emailKey)
  const same = () => {
    switch (purpose) {
      case 'register':
        // Only of the same device: somebody else's registration of the address waits on its own.
        return and(byAddress, device === undefined ? sql`false` : eq(deviceColumn, hashOfDevice(device)))
      case 'restore-email':
        // The ways back to several former addresses live beside each other.
        return and(byUser, byAddress)
      case 'reset-password':
        return or(byUser, byAddress)
      case 'verify-email':
      case 'change-email':
        return byUser
    }
  }
  return and(eq(purposeColumn, purpose), same())
}
