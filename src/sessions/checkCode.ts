import { and, asc, eq, isNotNull, isNull, lt, or, sql } from 'drizzle-orm'
import { databaseTime } from '../database/clock.ts'
import { factors, recoveryCodes } from '../database/tables.ts'
import { type AuthError, badUserInput } from '../errors.ts'
import { methods } from '../factors/amr.ts'
import { readRecoveryCode } from '../factors/recoveryCodes.ts'
import type { SealedTotp } from '../factors/totp.ts'
import type { Parts } from '../parts.ts'
import type { FactorProof, ProofOf } from './factorProof.ts'

/* Codes that a user types. Each works once: the one statement that uses a code up looks whether it was used already. */

/** A code of an authenticator app. @throws AuthError BAD_USER_INPUT / CODE_INVALID */
export async function checkTotp(
  parts: Pick<Parts, 'db' | 'log' | 'totp'>,
  code: string,
  { userId, argument }: Omit<ProofOf, 'boundTo'>,
): Promise<FactorProof> {
  const apps = await parts.db
    .select({ id: factors.id, sealed: factors.secret, lastStep: factors.lastStep, now: databaseTime })
    .from(factors)
    .where(and(eq(factors.userId, userId), eq(factors.kind, 'TOTP'), isNotNull(factors.confirmedAt)))
    .orderBy(asc(factors.createdAt), asc(factors.id))
  for (const { id, sealed, lastStep, now } of apps) {
    const step = sealed === null ? undefined : stepOf(parts, { id, sealed, lastStep }, code, now)
    if (step === undefined) continue
    const isLater = or(isNull(factors.lastStep), lt(factors.lastStep, step))
    return {
      factorId: id,
      amr: methods.code,
      async spend(tx) {
        const used = await tx
          .update(factors)
          .set({ lastStep: step, lastUsedAt: sql`now()` })
          .where(and(eq(factors.id, id), eq(factors.userId, userId), isLater))
          .returning({ id: factors.id })
        if (used.length === 0) throw codeRefused(argument)
      },
    }
  }
  throw codeRefused(argument)
}

/** An app whose secret can't be opened leaves the account's other apps usable. */
function stepOf(
  { totp, log }: Pick<Parts, 'log' | 'totp'>,
  app: SealedTotp,
  code: string,
  now: number,
): number | undefined {
  try {
    return totp.stepOf(app, code, now)
  } catch (error) {
    log.error({ err: error, factorId: app.id }, 'The secret of an authenticator app can not be read.')
    return undefined
  }
}

/** A recovery code. @throws AuthError BAD_USER_INPUT / CODE_INVALID; TOO_MANY_REQUESTS when the queue of hashes is full */
export async function checkRecoveryCode(
  parts: Pick<Parts, 'db' | 'passwords'>,
  typed: string,
  { userId, argument }: Omit<ProofOf, 'boundTo'>,
): Promise<FactorProof> {
  const code = readRecoveryCode(typed)
  if (code === undefined) throw codeRefused(argument)
  const [set] = await parts.db
    .select({ id: factors.id, salt: factors.secret })
    .from(factors)
    .where(and(eq(factors.userId, userId), eq(factors.kind, 'RECOVERY_CODE'), isNotNull(factors.confirmedAt)))
  if (set?.salt == null) throw codeRefused(argument)
  const hash = await parts.passwords.derive(code, set.salt)
  const unused = and(
    eq(recoveryCodes.factorId, set.id),
    eq(recoveryCodes.hash, hash),
    isNull(recoveryCodes.usedAt),
  )
  const [found] = await parts.db.select({ id: recoveryCodes.factorId }).from(recoveryCodes).where(unused)
  if (found === undefined) throw codeRefused(argument)
  return {
    factorId: set.id,
    amr: methods.code,
    async spend(tx) {
      // The factor before its codes: a removal locks both in this order.
      await tx.update(factors).set({ lastUsedAt: sql`now()` }).where(eq(factors.id, set.id))
      const used = await tx
        .update(recoveryCodes)
        .set({ usedAt: sql`now()` })
        .where(unused)
        .returning({ id: recoveryCodes.factorId })
      if (used.length === 0) throw codeRefused(argument)
    },
  }
}

/** One refusal for a code that is wrong, was used, or is of a factor that is gone. */
export function codeRefused(argument: string): AuthError {
  return badUserInput(argument, 'CODE_INVALID', 'This code is not valid, or was used already.')
}
