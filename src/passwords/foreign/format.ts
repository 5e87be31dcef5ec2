import { badUserInput } from '../../errors.ts'

/** A hash that was read. */
export interface ForeignHash {
  /** The work of one verification on one core, expected from the parameters: 1 is one of Annul's own hashes (hash.ts). */
  readonly cost: number
  /** Whether a password, as it was typed, is the one of the hash. */
  verify(password: string): Promise<boolean>
}

/** One kind of hash that other systems made. */
export interface ForeignFormat {
  /** How such a hash begins. */
  readonly start: RegExp
  /** @throws AuthError BAD_USER_INPUT / HASH_FORMAT or HASH_COST, with a message that holds no part of the hash */
  read(text: string): ForeignHash
}

export function wrongFormat(message: string) {
  return badUserInput('passwordHash', 'HASH_FORMAT', message)
}

/**
 * A cost that one login may not have. A stored cost is work that everybody can cause who knows an e-mail, so that each
 * format is bounded to about a second of one core.
 */
export function tooExpensive(message: string) {
  return badUserInput('passwordHash', 'HASH_COST', message)
}

/** Bytes of base64 in the usual or the URL's alphabet, padded or not; undefined for any other text. */
export function readBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  // Buffer drops what does not fill a byte.
  return Math.ceil((bytes.length * 4) / 3) === text.replace(/=+$/, '').length ? bytes : undefined
}

/** Without padding, as in PHC strings. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
