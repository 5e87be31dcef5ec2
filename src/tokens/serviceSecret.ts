import { createHash, randomBytes } from 'node:crypto'

const prefix = 'annul_sv_'
const bytes = 32
/** 32 bytes in base64url. */
const textLength = 43

/** A new secret of a service: 256 random bits. It is shown once, and stored nowhere. */
export function makeServiceSecret(): string {
  return prefix + randomBytes(bytes).toString('base64url')
}

/** Whether a text has the shape of a secret, in its one spelling. Needs no query, so garbage costs none. */
export function isServiceSecret(text: string): boolean {
  if (text.length !== prefix.length + textLength || !text.startsWith(prefix)) return false
  const random = text.slice(prefix.length)
  return Buffer.from(random, 'base64url').toString('base64url') === random
}

/**
 * What is stored of a secret, and what it is looked up by. A plain SHA-256: 256 random bits can't be guessed, so that a
 * slow hash would add nothing. The look-up compares hashes, so its time tells nothing about a secret.
 */
export function hashServiceSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
