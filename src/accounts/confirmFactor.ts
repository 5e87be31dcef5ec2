import { randomBytes, randomUUID } from 'node:crypto'
import { and, eq, sql } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { Queries } from '../database/open.ts'
import { factors, recoveryCodes, users } from '../database/tables.ts'
import { badUserInput, reauthenticationRequired } from '../errors.ts'
import { hasSecondFactor } from '../factors/amr.ts'
import { codesOfAccount, newRecoveryCode, readRecoveryCode } from '../factors/recoveryCodes.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import { stopFactorReset } from '../sessions/stopFactorReset.ts'
import type { SessionViewer } from '../viewer.ts'
import type { Factor } from './listFactors.ts'

/** More than a person has, and few enough to look at each. */
const mostFactors = 20
/** A proof for changes of factors: as the contract's `maxAge`. */
const maxAge = 300

export interface FactorConfirmed {
  readonly factor: Factor
  /** Shown once. null: the account had factors. */
  readonly recoveryCodes: string[] | null
}

/**
 * Adds a factor, by the end of every enrolment. The user's other sessions go on: nothing of the viewer's is taken away. With
 * the first factor of an account come recovery codes.
 *
 * @param add stores the factor, in the transaction, and returns it
 * @throws AuthError REAUTHENTICATION_REQUIRED with `mfa`, BAD_USER_INPUT / TOO_MANY_FACTORS; what `add` throws
 */
export async function confirmFactor(
  parts: Parts,
  viewer: SessionViewer,
  add: (tx: Queries) => Promise<Factor>,
): Promise<FactorConfirmed> {
  const before = await readCredentials(parts.db, eq(users.id, viewer.userId))
  // Looked at twice: a request that is refused must not use up one of the owner's warnings.
  refuseWithoutProof(viewer, before?.hasFactors ?? false)
  // Ten hashes take longer than a transaction should.
  const codes = before?.hasFactors === false ? await newCodes(parts) : undefined
  const isTold = await parts.limits.warns('factors-changed', before?.user.emailKey ?? '')
  return fenced(parts, viewer, async tx => {
    const user = await lockUser(tx, viewer.userId)
    const hadFactors = await checkFactorProof(tx, viewer)
    await stopFactorReset(tx, viewer.userId, viewer)
    const factor = await add(tx)
    const own = await tx.select({ id: factors.id }).from(factors).where(eq(factors.userId, viewer.userId))
    if (own.length > mostFactors)
      throw badUserInput('id', 'TOO_MANY_FACTORS', `An account has at most ${mostFactors} factors.`)
    if (codes && !hadFactors) await storeCodes(tx, viewer.userId, codes)
    await appendAudit(tx, { kind: 'add-factor', ...byViewer(viewer), detail: factor.kind })
    if (isTold)
      await queueSecurityMail(tx, 'factors-changed', user, viewer, { change: 'ADDED', factor: factor.kind })
    return { factor, recoveryCodes: codes && !hadFactors ? [...codes.shown] : null }
  })
}

/**
 * Whoever changes the factors of an account that has some must have given a proof by one. To be called under the user's
 * lock, so that an enrolment which began without factors can't end beside the first one.
 *
 * @returns whether the account has factors
 * @throws AuthError REAUTHENTICATION_REQUIRED with `mfa`
 */
export async function checkFactorProof(tx: Queries, viewer: SessionViewer): Promise<boolean> {
  const found = await readCredentials(tx, eq(users.id, viewer.userId))
  const hasFactors = found?.hasFactors ?? false
  refuseWithoutProof(viewer, hasFactors)
  return hasFactors
}

function refuseWithoutProof({ claims }: SessionViewer, hasFactors: boolean): void {
  if (hasFactors && !hasSecondFactor(claims.amr)) throw reauthenticationRequired({ maxAge, mfa: true })
}

/** Codes as they are shown, and as they are stored. */
export interface NewCodes {
  readonly shown: readonly string[]
  readonly salt: Uint8Array
  readonly hashes: readonly Uint8Array[]
}

/** @throws AuthError TOO_MANY_REQUESTS when the queue of hashes is full */
export async function newCodes({ passwords }: Pick<Parts, 'passwords'>): Promise<NewCodes> {
  const salt = randomBytes(16)
  const shown = Array.from({ length: codesOfAccount }, newRecoveryCode)
  const hashes: Uint8Array[] = []
  for (const code of shown) hashes.push(await passwords.derive(readRecoveryCode(code) ?? '', salt))
  return { shown, salt, hashes }
}

/** Stores codes in the place of the former ones. */
export async function storeCodes(tx: Queries, userId: string, { salt, hashes }: NewCodes): Promise<void> {
  await tx.delete(factors).where(and(eq(factors.userId, userId), eq(factors.kind, 'RECOVERY_CODE')))
  const factorId = randomUUID()
  await tx
    .insert(factors)
    .values({ id: factorId, userId, kind: 'RECOVERY_CODE', secret: salt, confirmedAt: sql`now()` })
  await tx.insert(recoveryCodes).values(hashes.map(hash => ({ factorId, hash })))
}
