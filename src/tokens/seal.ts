import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/**
 * Encrypts a secret that the database holds. AES-256-GCM: nonce | tag | ciphertext.
 *
 * @param name authenticated with it, so that no row can stand in for another
 * @param nonce 12 bytes, never twice for two secrets; default: random
 */
export function seal(
  secret: Uint8Array,
  key: Buffer,
  name: string,
  nonce: Uint8Array = randomBytes(12),
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name))
  const text = Buffer.concat([cipher.update(secret), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), text])
}

/** Undefined: encrypted under another key or name, or changed since. */
export function unseal(sealed: Uint8Array, key: Buffer, name: string): Buffer | undefined {
  const bytes = Buffer.from(sealed)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(12, 28))
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
  } catch {
    return undefined
  }
}
