import { createHmac } from 'node:crypto'
import { seal, unseal } from '../../tokens/seal.ts'
import { deriveKey, deriveKeys } from '../../tokens/secret.ts'

/** Firebase's signer key, encrypted under ANNUL_SECRET and back. */
export interface SignerKeySeal {
  /** Gives the same text for the same key, so that a hash that is imported twice is known again. */
  seal(signerKey: Uint8Array): Buffer
  /** @throws Error when the key was encrypted under another secret, or changed */
  open(sealed: Uint8Array): Buffer
  /** The same key, encrypted under the present secret; undefined: it is so already, or can't be opened. */
  renew(sealed: Uint8Array): Buffer | undefined
}

/**
 * The nonce is a MAC of the key that is encrypted: two keys never share a nonce,
 * and one key always has the same.
 *
 * @param secret ANNUL_SECRET
 * @param previous a secret whose keys are opened, too (ANNUL_SECRET_PREVIOUS)
 */
export function signerKeySeal(secret: Uint8Array, previous?: Uint8Array): SignerKeySeal {
  const [encryptionKey, formerKey] = deriveKeys(secret, previous, 'imported signer keys v1')
  const nonceKey = deriveKey(secret, 'nonces of imported signer keys v1')
  const openFormer = (sealed: Uint8Array) => formerKey && unseal(sealed, formerKey, '')
  const sealKey = (signerKey: Uint8Array) => {
    const nonce = createHmac('sha256', nonceKey).update(signerKey).digest().subarray(0, 12)
    return seal(signerKey, encryptionKey, '', nonce)
  }
  return {
    seal: sealKey,
    open(sealed) {
      const opened = unseal(sealed, encryptionKey, '') ?? openFormer(sealed)
      if (opened !== undefined) return opened
      throw new Error('ANNUL_SECRET is not the secret that an imported signer key was encrypted under.')
    },
    renew(sealed) {
      const former = openFormer(sealed)
      return former && sealKey(former)
    },
  }
}
