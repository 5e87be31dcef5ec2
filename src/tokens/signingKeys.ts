import type { JsonWebKey, KeyObject } from 'node:crypto'
import { isNull } from 'drizzle-orm'
import type { Database } from '../database/open.ts'
import { signingKeys } from '../database/tables.ts'
import { unavailable } from '../errors.ts'
import type { Log } from '../log.ts'
import type { KeySet, SigningAlgorithm } from './keySet.ts'
import { signerAmong } from './revokeSigningKey.ts'
import {
  encryptionKeys,
  insertSigningKey,
  lockSigningKeys,
  readSigningKeys,
  reencryptSigningKeys,
} from './signingKeyRows.ts'

export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
}

export interface SigningKeys extends KeySet {
  /**
   * The newest key that every node had time to learn.
   *
   * @throws AuthError UNAVAILABLE while no key is known that was not revoked: the next one is being read then
   */
  current(): SigningKey
  /** Undefined: `current` has a key. A promise: the keys are being read, and it is fulfilled in any case. */
  awaitCurrent(): Promise<void> | undefined
  /** Reads the keys again, at most once a second for all callers, so that invented key ids cost nothing. */
  reload(): Promise<void>
  /** For `/.well-known/jwks.json` (RFC 7517): the public halves. */
  jwks(): { keys: JsonWebKey[] }
  /**
   * Calls the listener when `jwks` has changed.
   *
   * @returns a function that ends the calls
   */
  subscribe(listener: () => void): () => void
  close(): void
}

/** The keys that the log of revocations names (revocation/view.ts). */
export interface RevokedKeysView {
  isKeyRevoked(kid: string): boolean
  readonly revokedKeys: number
  subscribe(listener: (revocations: readonly { readonly kind: string }[]) => void): () => void
}

export interface SigningKeysOptions {
  /** ANNUL_SECRET_PREVIOUS: keys of this secret are read, too, and encrypted under the present one. */
  readonly previous?: Uint8Array | undefined
  /** Of the first key; default ES256. */
  readonly algorithm?: SigningAlgorithm
  /** Default: none is revoked but those whose rows say so. */
  readonly revoked?: RevokedKeysView
}

/** How often every node reads the keys. */
const rereadMs = 20_000
const reloadMs = 1000

const noneRevoked: RevokedKeysView = {
  isKeyRevoked: () => false,
  revokedKeys: 0,
  subscribe: () => () => {},
}

/**
 * Opens the signing keys, and makes the first one where there is none. A row that the secret does not authenticate is
 * left out, and logged once (signingKeyRows.ts).
 *
 * @param now database time in seconds
 * @throws WrongSecretError when the secret opens none of the rows
 */
export async function openSigningKeys(
  db: Database,
  secret: Uint8Array,
  now: () => number,
  log: Log,
  { previous, algorithm = 'ES256', revoked: view = noneRevoked }: SigningKeysOptions = {},
): Promise<SigningKeys> {
  const encryption = encryptionKeys(secret, previous)
  await db.transaction(async tx => {
    // Several nodes that start at once make one key.
    await lockSigningKeys(tx)
    const [live] = await tx
      .select({ id: signingKeys.id })
      .from(signingKeys)
      .where(isNull(signingKeys.retiredAt))
      .limit(1)
    if (live === undefined) await insertSigningKey(tx, encryption, algorithm, 0)
  })

  let toldOf: ReadonlySet<string> = new Set()
  const readAll = async () => {
    let found = await readSigningKeys(db, encryption)
    if (found.keys.some(key => key.isOutdated)) {
      const count = await db.transaction(tx => reencryptSigningKeys(tx, encryption))
      if (count > 0) log.info({ count }, 'Signing keys were encrypted under the present secret.')
      found = await readSigningKeys(db, encryption)
    }
    const { keys, refused } = found
    for (const { kid, why } of refused)
      if (!toldOf.has(kid)) log.error({ kid, why }, 'A signing key in the database is refused.')
    toldOf = new Set(refused.map(({ kid }) => kid))
    if (keys.length === 0) throw new Error('No signing key in the database is one that Annul made.')
    return found
  }

  let { keys, revoked } = await readAll()
  let version = 1
  let readAt = performance.now()
  let reading: Promise<void> | undefined
  let readingAnew: Promise<void> | undefined
  let failure: unknown
  let closed = false
  const listeners = new Set<() => void>()

  const isRevoked = (kid: string) => view.isKeyRevoked(kid) || revoked.has(kid)
  const verifying = () => keys.filter(key => !isRevoked(key.kid))
  const signer = () => signerAmong(verifying(), now())
  const tell = () => {
    for (const listener of listeners) listener()
  }

  const read = async () => {
    readAt = performance.now()
    try {
      const found = await readAll()
      const hasChanged = namesOf(found) !== namesOf({ keys, revoked })
      ;({ keys, revoked } = found)
      failure = undefined
      if (!hasChanged) return
      version++
      tell()
    } catch (error) {
      failure = error
      throw error
    }
  }
  const begin = () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
  /** Ignores a reading that is under way: it may have begun before the change that is to be read. Never rejects. */
  const readAnew = () => {
    readingAnew ??= Promise.resolve(reading)
      .catch(() => {})
      .then(() => {
        readingAnew = undefined
        return closed ? undefined : begin()
      })
      .catch(() => {})
    return readingAnew
  }

  const timer = setInterval(() => begin().catch(() => {}), rereadMs).unref()
  const unsubscribe = view.subscribe(revocations => {
    if (!revocations.some(({ kind }) => kind === 'key')) return
    // Whoever revoked the key that signs has made another one in the same transaction.
    void readAnew()
    tell()
  })

  return {
    current() {
      const key = signer()
      if (key !== undefined) return key
      void readAnew()
      throw unavailable()
    },
    awaitCurrent: () => (signer() === undefined ? readAnew() : undefined),
    find: kid => keys.find(key => key.kid === kid),
    reload() {
      if (reading) return reading
      // While the database does not answer, no caller may conclude that a key does not exist.
      if (performance.now() - readAt < reloadMs) return failure ? Promise.reject(failure) : Promise.resolve()
      return begin()
    },
    jwks: () => ({ keys: verifying().map(key => key.jwk) }),
    isRevoked,
    get version() {
      return version + view.revokedKeys
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      closed = true
      clearInterval(timer)
      unsubscribe()
    },
  }
}

/** What differs where other keys are known. */
function namesOf({
  keys,
  revoked,
}: {
  keys: readonly { kid: string }[]
  revoked: ReadonlySet<string>
}): string {
  return [...keys.map(key => key.kid), '', ...[...revoked].sort()].join()
}
