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
import type { Log } from '../log.ts'
import type { KeySet, PublicKey, SigningAlgorithm } from './keySet.ts'
import { deriveKey } from './secret.ts'

export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
}

export interface SigningKeys extends KeySet {
  /** The newest key that every node had time to learn. */
  current(): SigningKey
  /** Reads the keys again, at most once a second for all callers, so that invented key ids cost nothing. */
  reload(): Promise<void>
  /** For `/.well-known/jwks.json` (RFC 7517): the public halves. */
  jwks(): { keys: JsonWebKey[] }
  close(): void
}

/** How long a retired key goes on verifying: the longest life of a token, and a margin. */
const retiredSeconds = 3720
/** How often every node reads the keys. */
const rereadMs = 20_000
/** How long a new key waits before it signs. Every node has read it by then, so no honest token has an unknown key. */
const announceSeconds = 60
const reloadMs = 1000

/** The secret is not the one that the keys were encrypted under. */
export class WrongSecretError extends Error {
  override readonly name = 'WrongSecretError'

  constructor() {
    super('ANNUL_SECRET is not the secret that the signing keys in this database were encrypted under.')
  }
}

/**
 * Opens the signing keys, and makes the first one where there is none.
 *
 * A row counts only if the secret authenticates it: somebody who can write to the table, but does not know the secret,
 * must not be able to add a key that verifies. So the private half is decrypted and authenticated, and the public half
 * is derived from it. A row that fails is left out, and logged once.
 *
 * @param now database time in seconds
 * @throws WrongSecretError when the secret opens none of the rows
 */
export async function openSigningKeys(
  db: Database,
  secret: Uint8Array,
  now: () => number,
  log: Log,
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

  let toldOf: ReadonlySet<string> = new Set()
  const readAll = async () => {
    const { keys, refused } = await readKeys(db, encryptionKey)
    for (const { kid, why } of refused)
      if (!toldOf.has(kid)) log.error({ kid, why }, 'A signing key in the database is refused.')
    toldOf = new Set(refused.map(({ kid }) => kid))
    if (keys.length === 0) throw new Error('No signing key in the database is one that Annul made.')
    return keys
  }

  let keys = await readAll()
  let version = 1
  let readAt = performance.now()
  let reading: Promise<void> | undefined
  let failure: unknown

  const read = async () => {
    readAt = performance.now()
    try {
      const found = await readAll()
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
      // While the database does not answer, no caller may conclude that a key does not exist.
      if (performance.now() - readAt < reloadMs) return failure ? Promise.reject(failure) : Promise.resolve()
      reading = read().finally(() => {
        reading = undefined
      })
      return reading
    },
    jwks: () => ({ keys: keys.map(key => key.jwk) }),
    isRevoked: () => false,
    get version() {
      return version
    },
    close: () => clearInterval(timer),
  }
}

/**
 * Makes a new key. It begins to sign in a minute, and the other keys retire then. Tokens that these have signed stay
 * valid until they expire.
 *
 * @returns the new key's id
 * @throws WrongSecretError when the secret opens none of the keys that are there: no node could use the new one
 */
export async function rotateSigningKeys(db: Database, secret: Uint8Array): Promise<string> {
  const encryptionKey = deriveKey(secret, 'signing keys v1')
  return db.transaction(async tx => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('annul.signing_keys'))`)
    await readKeys(tx, encryptionKey)
    await tx
      .update(signingKeys)
      .set({ retiredAt: inSeconds(announceSeconds) })
      .where(isNull(signingKeys.retiredAt))
    return insertKey(tx, encryptionKey, announceSeconds)
  })
}

/** @throws WrongSecretError when the secret opens none of the keys that are there */
export async function checkSecret(db: Database, secret: Uint8Array): Promise<void> {
  await readKeys(db, deriveKey(secret, 'signing keys v1'))
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

/** A row that is no key of Annul's. */
interface RefusedRow {
  readonly kid: string
  readonly why: string
}

/** @throws WrongSecretError when there are rows, and none of them can be decrypted */
async function readKeys(
  queries: Queries,
  encryptionKey: Buffer,
): Promise<{ keys: StoredKey[]; refused: RefusedRow[] }> {
  const stored = await queries
    .select()
    .from(signingKeys)
    .where(or(isNull(signingKeys.retiredAt), gt(signingKeys.retiredAt, inSeconds(-retiredSeconds))))
    .orderBy(desc(signingKeys.signsFrom), desc(signingKeys.id))
  const keys: StoredKey[] = []
  const refused: RefusedRow[] = []
  let decrypted = 0
  for (const row of stored) {
    const kid = row.id
    const privateKey = decrypt(kid, row.encryptedPrivateKey, encryptionKey)
    if (privateKey === undefined) {
      refused.push({ kid, why: 'the private half can not be decrypted' })
      continue
    }
    decrypted++
    const publicKey = createPublicKey(privateKey)
    if (!isHalfOf(row.publicJwk, publicKey)) {
      refused.push({ kid, why: 'the public half is not that of the private one' })
      continue
    }
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }
    keys.push({
      kid,
      algorithm: 'ES256',
      jwk,
      signsFrom: row.signsFrom.getTime() / 1000,
      publicKey,
      privateKey,
    })
  }
  if (stored.length > 0 && decrypted === 0) throw new WrongSecretError()
  return { keys, refused }
}

/** Whether a stored public half, which may be anything, is this key. */
function isHalfOf(jwk: JsonWebKey, publicKey: KeyObject): boolean {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' }).equals(publicKey)
  } catch {
    return false
  }
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

/** Undefined: encrypted under another secret, for another key id, or changed since. */
function decrypt(kid: string, encrypted: Uint8Array, key: Buffer): KeyObject | undefined {
  const bytes = Buffer.from(encrypted)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(kid)).setAuthTag(bytes.subarray(12, 28))
    const der = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } catch {
    return undefined
  }
}
