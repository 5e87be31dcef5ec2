import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { RevokedKeys } from '../revocation/view.ts'
import { type KeySet, type PublicKey, type SigningAlgorithm, signingAlgorithms } from '../tokens/keySet.ts'

/** The keys that the feed has told last, and which of them were revoked. */
export class FeedKeys implements KeySet {
  readonly #revoked: RevokedKeys
  #keys = new Map<string, PublicKey>()
  #told = 0
  #onNext = () => {}

  constructor(revoked: RevokedKeys) {
    this.#revoked = revoked
  }

  /** Takes the keys of a frame, in place of those before. What is no key for tokens is left out. */
  take(jwks: readonly JsonWebKey[]): void {
    const keys = jwks.map(readKey).filter(key => key !== undefined)
    this.#keys = new Map(keys.map(key => [key.kid, key]))
    this.#told++
    this.#onNext()
  }

  /** Calls with each further frame of keys, instead of what was given before. */
  onNext(call: () => void): void {
    this.#onNext = call
  }

  find(kid: string): PublicKey | undefined {
    return this.#keys.get(kid)
  }

  isRevoked(kid: string): boolean {
    return this.#revoked.isKeyRevoked(kid)
  }

  /** Both numbers only rise. */
  get version(): number {
    return this.#told + this.#revoked.revokedKeys
  }
}

/** A key verifies by the algorithm that it was made for, and by no other one. */
function readKey(jwk: JsonWebKey): PublicKey | undefined {
  const { kid, alg } = jwk as { kid?: unknown; alg?: unknown }
  const algorithm = signingAlgorithms.find(each => each === alg)
  if (typeof kid !== 'string' || algorithm === undefined) return undefined
  try {
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
    return isMadeFor(algorithm, publicKey) ? { kid, algorithm, publicKey, jwk } : undefined
  } catch {
    return undefined
  }
}

function isMadeFor(algorithm: SigningAlgorithm, key: KeyObject): boolean {
  return algorithm === 'ES256'
    ? key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    : key.asymmetricKeyType === 'rsa'
}
