import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
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
 * AES-256-GCM: nonce | tag | ciphertext. The nonce is a MAC of the key that is encrypted: two keys never share a nonce,
 * and one key always has the same.
 *
 * @param secret ANNUL_SECRET
 * @param previous a secret whose keys are opened, too (ANNUL_SECRET_PREVIOUS)
 */
export function signerKeySeal(secret: Uint8Array, previous?: Uint8Array): SignerKeySeal {
  const [encryptionKey, formerKey] = deriveKeys(secret, previous, 'imported signer keys v1')
  const nonceKey = deriveKey(secret, 'nonces of imported signer keys v1')
  const seal = (signerKey: Uint8Array) => {
    const nonce = createHmac('sha256', nonceKey).update(signerKey).digest().subarray(0, 12)
    const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce)
    const text = Buffer.concat([cipher.update(signerKey), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), text])
  }
  return {
    seal,
    open(sealed) {
      const opened = decrypt(sealed, encryptionKey) ?? decrypt(sealed, formerKey)
      if (opened !== undefined) return opened
      throw new Error('ANNUL_SECRET is not the secret that an imported signer key was encrypted under.')
    },
    renew(sealed) {
      const former = decrypt(sealed, formerKey)
      return former && seal(former)
    },
  }
}

function decrypt(sealed: Uint8Array, key: Buffer | undefined): Buffer | undefined {
  if (key === undefined) return undefined
  const bytes = Buffer.from(sealed)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    decipher.setAuthTag(bytes.subarray(12, 28))
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
  } catch {
    return undefined
  }
}
