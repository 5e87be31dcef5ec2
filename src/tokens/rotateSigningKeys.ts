import { isNull } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { signingKeys } from '../database/tables.ts'
import type { SigningAlgorithm } from './keySet.ts'
import {
  encryptionKeys,
  inSeconds,
  insertSigningKey,
  lockSigningKeys,
  readSigningKeys,
  type StoredKey,
} from './signingKeyRows.ts'

/** How long a new key waits before it signs. Every node has read it by then, so no honest token has an unknown key. */
export const announceSeconds = 60

export interface RotateOptions {
  /** Of the new key; default ES256. */
  readonly algorithm?: SigningAlgorithm
  readonly previous?: Uint8Array | undefined
  /** Whether the newest key is to be followed, as it is found under the lock; default: always. */
  readonly isDue?: (newest: StoredKey | undefined, time: number) => boolean
}

/**
 * Makes a new key. It begins to sign in a minute, and the other keys retire then. Tokens that these have signed stay
 * valid until they expire.
 *
 * @param tx a transaction
 * @returns the new key's id; undefined where none is due
 * @throws WrongSecretError when the secret opens none of the keys that are there: no node could use the new one
 */
export async function rotateSigningKeys(
  tx: Queries,
  secret: Uint8Array,
  { algorithm = 'ES256', previous, isDue = () => true }: RotateOptions = {},
): Promise<string | undefined> {
  const encryption = encryptionKeys(secret, previous)
  await lockSigningKeys(tx)
  const { keys, time } = await readSigningKeys(tx, encryption)
  if (!isDue(newestOf(keys), time)) return undefined
  await tx
    .update(signingKeys)
    .set({ retiredAt: inSeconds(announceSeconds) })
    .where(isNull(signingKeys.retiredAt))
  return insertSigningKey(tx, encryption, algorithm, announceSeconds)
}

/** The one that signs, or is announced. Keys are sorted newest first. */
export function newestOf(keys: readonly StoredKey[]): StoredKey | undefined {
  return keys.find(key => key.retiredAt === undefined)
}
