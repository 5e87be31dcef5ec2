import { createPublicKey, type JsonWebKey, type KeyObject, randomUUID } from 'node:crypto'
import { desc, eq, gt, isNotNull, isNull, or, type SQL, sql } from 'drizzle-orm'
import { databaseTime } from '../database/clock.ts'
import type { Queries } from '../database/open.ts'
import { signingKeys } from '../database/tables.ts'
import { isSigningAlgorithm, type PublicKey, type SigningAlgorithm } from './keySet.ts'
import { decryptPrivateKey, encryptPrivateKey, generatePrivateKey } from './privateKeys.ts'
import { deriveKeys } from './secret.ts'

/** A key as the database holds it. Times are seconds of database time. */
export interface StoredKey extends PublicKey {
  readonly privateKey: KeyObject
  readonly signsFrom: number
  readonly retiredAt: number | undefined
  /** Whether the private half is encrypted under the previous secret. */
  readonly isOutdated: boolean
}

/** A row that is no key of Annul's. */
interface RefusedRow {
  readonly kid: string
  readonly why: string
}

export interface StoredKeys {
  /** Those that sign or verify, newest first. */
  readonly keys: StoredKey[]
  readonly refused: RefusedRow[]
  readonly revoked: ReadonlySet<string>
  /** When they were read. */
  readonly time: number
}

/** The secret is not the one that the keys were encrypted under. */
export class WrongSecretError extends Error {
  override readonly name = 'WrongSecretError'

  constructor() {
    super('ANNUL_SECRET is not the secret that the signing keys in this database were encrypted under.')
  }
}

/** How long a retired key goes on verifying: the longest life of a token, and a margin. */
export const retiredSeconds = 3720

/** The keys that encrypt private halves: of the present secret, then of the previous one. */
export type EncryptionKeys = readonly [Buffer, ...Buffer[]]

export function encryptionKeys(secret: Uint8Array, previous: Uint8Array | undefined): EncryptionKeys {
  return deriveKeys(secret, previous, 'signing keys v1')
}

export const inSeconds = (seconds: number): SQL => sql`now() + make_interval(secs => ${seconds})`

/** Whoever changes keys takes turns. */
export async function lockSigningKeys(tx: Queries): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('annul.signing_keys'))`)
}

/**
 * A row counts only if the secret authenticates it: somebody who can write to the table, but does not know the secret,
 * must not be able to add a key that verifies. So the private half is decrypted and authenticated, and the public half
 * is derived from it.
 *
 * @throws WrongSecretError when there are rows, and none of them can be decrypted
 */
export async function readSigningKeys(queries: Queries, encryption: EncryptionKeys): Promise<StoredKeys> {
  const { id, algorithm, publicJwk, encryptedPrivateKey, signsFrom, retiredAt, revokedAt } = signingKeys
  const stored = await queries
    .select({
      ...{ kid: id, algorithm, publicJwk, encryptedPrivateKey, signsFrom, retiredAt, revokedAt },
      time: databaseTime,
    })
    .from(signingKeys)
    .where(or(isNull(retiredAt), gt(retiredAt, inSeconds(-retiredSeconds)), isNotNull(revokedAt)))
    .orderBy(desc(signsFrom), desc(id))
  const keys: StoredKey[] = []
  const refused: RefusedRow[] = []
  const usable = stored.filter(row => row.revokedAt === null)
  let isSecretRight = false
  for (const row of usable) {
    const key = openRow(row, encryption)
    if (key !== unreadable) isSecretRight = true
    if (typeof key === 'string') refused.push({ kid: row.kid, why: key })
    else keys.push(key)
  }
  if (usable.length > 0 && !isSecretRight) throw new WrongSecretError()
  const revoked = new Set(stored.filter(row => row.revokedAt !== null).map(row => row.kid))
  return { keys, refused, revoked, time: stored[0]?.time ?? 0 }
}

const unreadable = 'the private half can not be decrypted'

type Row = Pick<
  typeof signingKeys.$inferSelect,
  'algorithm' | 'publicJwk' | 'encryptedPrivateKey' | 'signsFrom' | 'retiredAt'
> & { readonly kid: string }

/** The key of a row, or why the row is refused. */
function openRow(row: Row, encryption: EncryptionKeys): StoredKey | string {
  const { kid, algorithm } = row
  // The column is a text, and whoever can write to it may write anything.
  if (!isSigningAlgorithm(algorithm)) return 'the algorithm is not one of Annul’s'
  const opened = encryption.map(key => decryptPrivateKey(kid, algorithm, row.encryptedPrivateKey, key))
  const at = opened.findIndex(key => key !== undefined)
  const privateKey = opened[at]
  if (privateKey === undefined) return unreadable
  const publicKey = createPublicKey(privateKey)
  if (!isHalfOf(row.publicJwk, publicKey)) return 'the public half is not that of the private one'
  return {
    kid,
    algorithm,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' },
    signsFrom: row.signsFrom.getTime() / 1000,
    retiredAt: row.retiredAt === null ? undefined : row.retiredAt.getTime() / 1000,
    isOutdated: at > 0,
    publicKey,
    privateKey,
  }
}

/** Whether a stored public half, which may be anything, is this key. */
function isHalfOf(jwk: JsonWebKey, publicKey: KeyObject): boolean {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' }).equals(publicKey)
  } catch {
    return false
  }
}

/** @param announce seconds until it signs */
export async function insertSigningKey(
  tx: Queries,
  [encryptionKey]: EncryptionKeys,
  algorithm: SigningAlgorithm,
  announce: number,
): Promise<string> {
  const privateKey = await generatePrivateKey(algorithm)
  const {
    kty = '',
    crv = '',
    x = '',
    y = '',
    n = '',
    e = '',
  } = createPublicKey(privateKey).export({
    format: 'jwk',
  })
  const id = randomUUID()
  await tx.insert(signingKeys).values({
    id,
    algorithm,
    publicJwk: algorithm === 'ES256' ? { kty, crv, x, y } : { kty, n, e },
    encryptedPrivateKey: encryptPrivateKey(id, algorithm, privateKey, encryptionKey),
    signsFrom: inSeconds(announce),
  })
  return id
}

/**
 * Encrypts under the present secret what is encrypted under the previous one.
 *
 * @param tx a transaction, in which all of them change or none
 * @returns how many there were
 */
export async function reencryptSigningKeys(tx: Queries, encryption: EncryptionKeys): Promise<number> {
  await lockSigningKeys(tx)
  const outdated = (await readSigningKeys(tx, encryption)).keys.filter(key => key.isOutdated)
  for (const { kid, algorithm, privateKey } of outdated)
    await tx
      .update(signingKeys)
      .set({ encryptedPrivateKey: encryptPrivateKey(kid, algorithm, privateKey, encryption[0]) })
      .where(eq(signingKeys.id, kid))
  return outdated.length
}

/** @throws WrongSecretError when the secret opens none of the keys that are there */
export async function checkSecret(
  queries: Queries,
  secret: Uint8Array,
  previous: Uint8Array | undefined,
): Promise<void> {
  await readSigningKeys(queries, encryptionKeys(secret, previous))
}

/**
 * Keys that verify nothing any more: their private halves are removed with them. Revoked keys stay: they are refused by
 * name for ever.
 *
 * @param batchRows how many at most
 */
export const expiredSigningKeys = (batchRows: number) => sql`
  delete from annul.signing_keys where id in (
    select id from annul.signing_keys
    where revoked_at is null and retired_at < now() - make_interval(secs => ${2 * retiredSeconds})
    order by retired_at limit ${batchRows})
  returning 1`
