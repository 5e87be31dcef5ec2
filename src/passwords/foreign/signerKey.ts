import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { deriveKey } from '../../tokens/secret.ts'

/** Firebase's signer key, encrypted under ANNUL_SECRET and back. */
export interface SignerKeySeal {
  /** Gives the same text for the same key, so that a hash that is imported twice is known again. */
  seal(signerKey: Uint8Array): Buffer
  /** @throws Error when the key was encrypted under another secret, or changed */
  open(sealed: Uint8Array): Buffer
}

/**
 * AES-256-GCM: nonce | tag | ciphertext. The nonce is a MAC of the key that is encrypted: two keys never share a nonce,
 * and one key always has the same.
 *
 * @param secret ANNUL_SECRET
 */
export function signerKeySeal(secret: Uint8Array): SignerKeySeal {
  const encryptionKey = deriveKey(secret, 'imported signer keys v1')
  const nonceKey = deriveKey(secret, 'nonces of imported signer keys v1')
  return {
    seal(signerKey) {
      const nonce = createHmac('sha256', nonceKey).update(signerKey).digest().subarray(0, 12)
      const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce)
      const text = Buffer.concat([cipher.update(signerKey), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text])
    },
    open(sealed) {
      const bytes = Buffer.from(sealed)
      try {
        const nonce = bytes.subarray(0, 12)
        const decipher = createDecipheriv('aes-256-gcm', encryptionKey, nonce, { authTagLength: 16 })
        decipher.setAuthTag(bytes.subarray(12, 28))
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
      } catch {
        throw new Error('ANNUL_SECRET is not the secret that an imported signer key was encrypted under.')
      }
    },
  }
}
