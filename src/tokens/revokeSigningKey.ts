import { eq, isNull, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { signingKeys } from '../database/tables.ts'
import type { SigningAlgorithm } from './keySet.ts'
import {
  encryptionKeys,
  insertSigningKey,
  lockSigningKeys,
  readSigningKeys,
  type StoredKey,
} from './signingKeyRows.ts'

/** The key that was asked for can not be revoked. */
export class RevokeKeyError extends Error {
  override readonly name = 'RevokeKeyError'
}

export interface RevokedKey {
  readonly kid: string
  /** The key that signs from now on. */
  readonly signer: string
}

/**
 * Marks a key as revoked, and makes a new one that signs at once, unless the revoked key had stopped signing. The caller
 * appends to the log of revocations in the same transaction.
 *
 * An announced key retires, too: the new one takes its place.
 *
 * @param tx a transaction
 * @param wanted undefined: the key that signs now
 * @throws RevokeKeyError for an unknown kid, or a key that was revoked already; WrongSecretError
 */
export async function revokeSigningKey(
  tx: Queries,
  secret: Uint8Array,
  previous: Uint8Array | undefined,
  algorithm: SigningAlgorithm,
  wanted: string | undefined,
): Promise<RevokedKey> {
  const encryption = encryptionKeys(secret, previous)
  await lockSigningKeys(tx)
  const { keys, time } = await readSigningKeys(tx, encryption)
  const signer = signerAmong(keys, time)
  const kid = wanted ?? signer?.kid
  if (kid === undefined) throw new RevokeKeyError('There is no signing key that could be revoked.')
  const unknown = new RevokeKeyError(`There is no signing key ${JSON.stringify(kid)}.`)
  // A row with another id is none that Annul has made, and no view could refuse it.
  if (!uuid.test(kid)) throw unknown
  const [row] = await tx
    .select({
      revokedAt: signingKeys.revokedAt,
      hasRetired: sql<boolean>`coalesce(retired_at <= now(), false)`,
    })
    .from(signingKeys)
    .where(eq(signingKeys.id, kid))
  if (row === undefined) throw unknown
  if (row.revokedAt !== null) throw new RevokeKeyError(`The signing key ${kid} was revoked already.`)

  await tx
    .update(signingKeys)
    .set({ revokedAt: sql`now()`, retiredAt: sql`least(${signingKeys.retiredAt}, now())` })
    .where(eq(signingKeys.id, kid))
  if (row.hasRetired && signer !== undefined) return { kid, signer: signer.kid }
  await tx.update(signingKeys).set({ retiredAt: sql`now()` }).where(isNull(signingKeys.retiredAt))
  return { kid, signer: await insertSigningKey(tx, encryption, algorithm, 0) }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * The newest key whose time has come. A retired one only where no other is known: what it signs would stop verifying
 * before it expires.
 *
 * @param keys newest first
 * @param time database time in seconds
 */
export function signerAmong(keys: readonly StoredKey[], time: number): StoredKey | undefined {
  const live = keys.filter(({ retiredAt = Number.POSITIVE_INFINITY }) => retiredAt > time)
  const candidates = live.length > 0 ? live : keys
  return candidates.find(({ signsFrom }) => signsFrom <= time) ?? candidates.at(-1)
}
