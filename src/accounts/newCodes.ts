import { randomBytes, randomUUID } from 'node:crypto'
import { and, eq, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { factors, recoveryCodes } from '../database/tables.ts'
import { codesOfAccount, newRecoveryCode, readRecoveryCode } from '../factors/recoveryCodes.ts'
import type { Parts } from '../parts.ts'

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
