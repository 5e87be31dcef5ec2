import type { JsonWebKey, KeyObject } from 'node:crypto'

/** The algorithms that access tokens may be signed with. A key is made for one of them, and verifies by that one alone. */
export const signingAlgorithms = ['ES256', 'RS256', 'PS256'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

export function isSigningAlgorithm(text: unknown): text is SigningAlgorithm {
  return signingAlgorithms.some(algorithm => algorithm === text)
}

/** Whether a key is of the kind that the algorithm needs. */
export function isMadeFor(algorithm: SigningAlgorithm, key: KeyObject): boolean {
  return algorithm === 'ES256'
    ? key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    : key.asymmetricKeyType === 'rsa'
}

export interface PublicKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly publicKey: KeyObject
  readonly jwk: JsonWebKey
}

/** The keys that verify access tokens, as far as they are known here. */
export interface KeySet {
  find(kid: string): PublicKey | undefined
  /** Whether the key was revoked: then nothing that it has signed is accepted, whatever `find` says. */
  isRevoked(kid: string): boolean
  /** Rises when other keys are known, or a key was revoked: tokens that were verified before are to be verified anew. */
  readonly version: number
}
