import type { JsonWebKey } from 'node:crypto'
import type { RevokedKeys } from '../revocation/view.ts'
import type { KeySet, PublicKey } from '../tokens/keySet.ts'
import { readKey } from './readKey.ts'

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
