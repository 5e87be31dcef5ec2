import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto'
import { promisify } from 'node:util'
import { desc, gt, isNull, or, sql } from 'drizzle-orm'
import type { Database, Queries } from '../database/open.ts'
import { signingKeys } from '../database/tables.ts'
import { deriveKey } from './secret.ts'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
}

export interface PublicKey {
  readonly kid: string
  readonly publicKey: KeyObject
  readonly jwk: JsonWebKey
}

export interface SigningKeys {
  /** The newest key that every node had time to learn. */
  current(): SigningKey
  /** A key by its id, if it is known here. */
  find(kid: string): PublicKey | undefined
  /** Reads the keys again, at most once a second however many ask, so that invented key ids cost nothing. */
  reload(): Promise<void>
  /** For `/.well-known/jwks.json` (RFC 7517): the public halves. */
  jwks(): { keys: JsonWebKey[] }
  /** Counts the reads that found other keys: what was verified under the old ones is to be verified anew. */
  readonly version: number
  close(): void
}

/** How long a retired key goes on verifying: the longest life of a token, and a margin. */
const retiredSeconds = 3720
/** Every node reads the keys this often, */
const rereadMs = 20_000
/** and a new key signs only after each had two chances: so no node meets an honest token whose key it doesn't know. */
const announceSeconds = 60
const reloadMs = 1000

/** The secret is not the one that the keys were encrypted under. */
export class WrongSecretError extends Error {
  override readonly name = 'WrongSecretError'
}

/**
 * Opens the signing keys, and makes the first one where there is none.
 *
 * @param now database time in seconds
 * @throws WrongSecretError
 */
export async function openSigningKeys(
  db: Database,
  secret: Uint8Array,
  now: () => number,
): Promise<SigningKeys> {
  const encryptionKey = deriveKey(secret, 'signing keys v1')
  await db.transaction(async tx => {
    // Several nodes that start at once make one key.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('annul.signing_keys'))`)
    const [live] = await tx
      .select({ id: signingKeys.id })
      .from(signingKeys)
      .where(isNull(signingKeys.retiredAt))
      .limit(1)
    if (live === undefined) await insertKey(tx, encryptionKey, 0)
  })

  let keys = await readKeys(db, encryptionKey)
  let version = 1
  let readAt = performance.now()
  let reading: Promise<void> | undefined
  let failure: unknown

  const read = async () => {
    readAt = performance.now()
    try {
      const found = await readKeys(db, encryptionKey)
      if (found.map(key => key.kid).join() !== keys.map(key => key.kid).join()) version++
      keys = found
      failure = undefined
    } catch (error) {
      failure = error
      throw error
    }
  }
  const timer = setInterval(() => read().catch(() => {}), rereadMs).unref()

  return {
    current: () => signer(keys, now()),
    find: kid => keys.find(key => key.kid === kid),
    reload() {
      if (reading) return reading
      // While the database can't be asked, nobody may be told that a key does not exist.
      if (performance.now() - readAt < reloadMs) return failure ? Promise.reject(failure) : Promise.resolve()
      reading = read().finally(() => {
        reading = undefined
      })
      return reading
    },
    jwks: () => ({ keys: keys.map(key => key.jwk) }),
    get version() {
      return version
    },
    close: () => clearInterval(timer),
  }
}

/**
 * Makes a new key, which signs in a minute from now, and retires the others then. Tokens that those signed stay valid
 * until they expire.
 *
 * @returns the new key's id
 */
export async function rotateSigningKeys(db: Database, secret: Uint8Array): Promise<string> {
  return db.transaction(async tx => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('annul.signing_keys'))`)
    await tx
      .update(signingKeys)
      .set({ retiredAt: inSeconds(announceSeconds) })
      .where(isNull(signingKeys.retiredAt))
    return insertKey(tx, deriveKey(secret, 'signing keys v1'), announceSeconds)
  })
}

interface StoredKey extends SigningKey, PublicKey {
  /** Seconds of database time. */
  readonly signsFrom: number
}

/** The newest key whose time has come; keys are sorted newest first. */
function signer(keys: StoredKey[], time: number): StoredKey {
  const key = keys.find(({ signsFrom }) => signsFrom <= time) ?? keys.at(-1)
  if (key === undefined) throw new Error('There is no signing key.')
  return key
}

const inSeconds = (seconds: number) => sql`now() + make_interval(secs => ${seconds})`

async function readKeys(queries: Queries, encryptionKey: Buffer): Promise<StoredKey[]> {
  const stored = await queries
    .select()
    .from(signingKeys)
    .where(or(isNull(signingKeys.retiredAt), gt(signingKeys.retiredAt, inSeconds(-retiredSeconds))))
    .orderBy(desc(signingKeys.signsFrom), desc(signingKeys.id))
  return stored.map(row => {
    const jwk = { ...row.publicJwk, kid: row.id, alg: 'ES256', use: 'sig' }
    return {
      kid: row.id,
      jwk,
      signsFrom: row.signsFrom.getTime() / 1000,
      publicKey: createPublicKey({ key: row.publicJwk, format: 'jwk' }),
      privateKey: decrypt(row.id, row.encryptedPrivateKey, encryptionKey),
    }
  })
}

async function insertKey(queries: Queries, encryptionKey: Buffer, announce: number): Promise<string> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const { kty = '', crv = '', x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const id = randomUUID()
  await queries.insert(signingKeys).values({
    id,
    publicJwk: { kty, crv, x, y },
    encryptedPrivateKey: encrypt(id, privateKey, encryptionKey),
    signsFrom: inSeconds(announce),
  })
  return id
}

/** AES-256-GCM: nonce | tag | ciphertext. The key id is authenticated, so that no row can stand in for another. */
function encrypt(kid: string, privateKey: KeyObject, key: Buffer): Uint8Array {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(kid))
  const text = Buffer.concat([
    cipher.update(privateKey.export({ format: 'der', type: 'pkcs8' })),
    cipher.final(),
  ])
  return Buffer.concat([nonce, cipher.getAuthTag(), text])
}

function decrypt(kid: string, encrypted: Uint8Array, key: Buffer): KeyObject {
  const bytes = Buffer.from(encrypted)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(kid))
    decipher.setAuthTag(bytes.subarray(12, 28))
    const der = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } catch {
    throw new WrongSecretError(
      'ANNUL_SECRET is not the secret that the signing keys in this database were encrypted under.',
    )
  }
}
