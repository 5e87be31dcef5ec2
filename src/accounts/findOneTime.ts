import { and, eq, inArray, lt, sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { oneTimeTokens } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import { type AuthError, badUserInput } from '../errors.ts'
import { originOf } from '../input/origin.ts'
import type { Attempt } from '../limits/limits.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { hashOfDevice, idsOf, isLive, lockOneTime, type OneTimeToken, type Purpose } from './oneTime.ts'

/** After so many wrong codes a code is dead. Its link lives on: nobody guesses 256 bits. */
const maxTries = 5

export interface Presented {
  readonly text: string
  /** The path of the argument, for example `input.token`. */
  readonly argument: string
  /** What the verb takes. */
  readonly purposes: readonly Purpose[]
}

/**
 * The refusal of a token or a code. One for each of both, whether it is wrong, used, dead, expired, of another device or
 * of another verb.
 */
function oneTimeRefused(parts: Pick<Parts, 'oneTimeTokens'>, { text, argument }: Presented): AuthError {
  return parts.oneTimeTokens.readCode(text) === undefined
    ? badUserInput(argument, 'TOKEN_INVALID', 'This link is not valid, was used already or has expired.')
    : badUserInput(argument, 'CODE_INVALID', 'This code is not valid, was used already or has expired.')
}

/**
 * Finds a live token by itself or by its code, and does not use it up: the verb does (spendOneTime), in the transaction
 * of its change. A text that is neither asks the table of tokens nothing, nor does a code from a device that has no
 * device token. The attempt is charged first (limits/); the verb says when it has succeeded.
 *
 * @returns the token, the refusal for one that is dead by the time it is spent, and the attempt
 * @throws AuthError BAD_USER_INPUT / TOKEN_INVALID or CODE_INVALID, TOO_MANY_REQUESTS
 */
export async function findOneTime(
  parts: Parts,
  visitor: DeviceVisitor,
  presented: Presented,
): Promise<{ token: OneTimeToken; refused: AuthError; attempt: Attempt }> {
  const attempt = await parts.limits.charge(visitor, 'token', {})
  const refused = oneTimeRefused(parts, presented)
  const token = await find(parts, visitor, presented)
  if (token === undefined) throw refused
  return { token, refused, attempt }
}

async function find(
  parts: Parts,
  visitor: DeviceVisitor,
  { text, purposes }: Presented,
): Promise<OneTimeToken | undefined> {
  const accepted = inArray(oneTimeTokens.purpose, [...purposes])
  const id = parts.oneTimeTokens.read(text)
  if (id !== undefined) {
    const [found] = await parts.db
      .select()
      .from(oneTimeTokens)
      .where(and(eq(oneTimeTokens.id, id), accepted, isLive))
    return found
  }
  const code = parts.oneTimeTokens.readCode(text)
  const device = visitor.device.knownId
  if (code === undefined || device === undefined) return undefined
  return transact(parts, async tx => {
    // The lock makes tries at once take turns: each sees what the ones before have counted.
    const candidates = await lockOneTime(
      tx,
      and(eq(oneTimeTokens.device, hashOfDevice(device)), accepted, lt(oneTimeTokens.codeTries, maxTries)),
    )
    const right = candidates.filter(token => parts.oneTimeTokens.isCode(token.id, code))
    if (right[0] !== undefined || candidates.length === 0) return right[0]
    await tx
      .update(oneTimeTokens)
      .set({ codeTries: sql`${oneTimeTokens.codeTries} + 1` })
      .where(inArray(oneTimeTokens.id, idsOf(candidates)))
    await appendAudit(tx, {
      kind: 'one-time-code-failed',
      userId: candidates.find(({ userId }) => userId !== null)?.userId,
      ...originOf(visitor),
    })
    return undefined
  })
}
