import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { isMadeFor, type SigningAlgorithm } from './keySet.ts'
import { seal, unseal } from './seal.ts'

/**
 * 112 bits of security (NIST SP 800-57). A signature matters for an hour, a key signs for a year at most, and 3072 bits
 * would hold the event loop three times as long for each login and refresh: 2.3 ms instead of 0.8.
 */
const modulusBits = 2048

export async function generatePrivateKey(algorithm: SigningAlgorithm): Promise<KeyObject> {
  const generate = promisify(generateKeyPair)
  // An `rsa` key for PS256 as well: JSON Web Keys know no other kind. The algorithm stands beside the key.
  const pair =
    algorithm === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: modulusBits })
  return pair.privateKey
}

/**
 * The key id and the algorithm are authenticated, so that no row can stand in for
 * another, and no key can be moved to another algorithm.
 */
export function encryptPrivateKey(
  kid: string,
  algorithm: SigningAlgorithm,
  privateKey: KeyObject,
  encryptionKey: Buffer,
): Uint8Array {
  return seal(privateKey.export({ format: 'der', type: 'pkcs8' }), encryptionKey, nameOf(kid, algorithm))
}

/** Undefined: encrypted under another key, for another key id or algorithm, or changed since. */
export function decryptPrivateKey(
  kid: string,
  algorithm: SigningAlgorithm,
  encrypted: Uint8Array,
  encryptionKey: Buffer,
): KeyObject | undefined {
  const der = unseal(encrypted, encryptionKey, nameOf(kid, algorithm))
  if (der === undefined) return undefined
  try {
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    return isMadeFor(algorithm, key) ? key : undefined
  } catch {
    return undefined
  }
}

/** Of ES256 the key id alone: so were keys encrypted when there was no other algorithm. */
function nameOf(kid: string, algorithm: SigningAlgorithm): string {
  return algorithm === 'ES256' ? kid : `${kid} ${algorithm}`
}
