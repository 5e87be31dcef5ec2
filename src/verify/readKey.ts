import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { isMadeFor, type PublicKey, signingAlgorithms } from '../tokens/keySet.ts'

/**
 * A key verifies by the algorithm that it was made for, and by no other one.
 *
 * @returns undefined for what is no key of access tokens
 */
export function readKey(jwk: JsonWebKey): PublicKey | undefined {
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
