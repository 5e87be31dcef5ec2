import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKeys } from './secret.ts'

export interface OneTimeTokens {
  /** The token of a row's id, for the link in its mail. */
  derive(id: string): string
  /** The id of the row; undefined for a text that is no token of this secret. Needs no query, so garbage costs none. */
  read(token: string): string | undefined
  /** The code that stands beside the link: 8 characters, to be typed by a person. */
  code(id: string): string
  /** Whether a code that `readCode` has read is that of a row's id. In constant time. */
  isCode(id: string, code: string): boolean
  /** A code as it was typed, without spaces and hyphens, in capitals; undefined for a text that is no code. */
  readCode(text: string): string | undefined
}

const prefix = 'annul_ot_'
const idBytes = 16
const macBytes = 32
const textLength = ((idBytes + macBytes) * 4) / 3

/** Crockford's Base32: no I, L, O or U, which are taken for other characters. */
const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const codeLength = 8

/**
 * One-time token = prefix + base64url( id of the row | HMAC-SHA-256 ). The token is derived from the id when the mail is
 * rendered: neither the database nor the outbox holds a token.
 *
 * @param previous a secret whose tokens and codes are accepted, too (ANNUL_SECRET_PREVIOUS)
 * @example
 * const tokens = oneTimeTokens(secret)
 * tokens.read(tokens.derive(id)) // id
 */
export function oneTimeTokens(secret: Uint8Array, previous?: Uint8Array): OneTimeTokens {
  const keys = deriveKeys(secret, previous, 'one-time tokens v1')
  const codeKeys = deriveKeys(secret, previous, 'one-time codes v1')
  const mac = (key: Buffer, id: Uint8Array) => createHmac('sha256', key).update(id).digest()
  const codeOf = (key: Buffer, id: string) => {
    const digest = createHmac('sha256', key).update(bytesOf(id)).digest()
    // 256 is a multiple of 32: every letter is as likely as any other.
    return [...digest.subarray(0, codeLength)].map(byte => letters[byte % 32]).join('')
  }

  return {
    derive(id) {
      const bytes = bytesOf(id)
      return prefix + Buffer.concat([bytes, mac(keys[0], bytes)]).toString('base64url')
    },

    read(token) {
      const text = token.slice(prefix.length)
      if (!token.startsWith(prefix) || text.length !== textLength) return undefined
      const bytes = Buffer.from(text, 'base64url')
      // Only the canonical spelling: one token has one text.
      if (bytes.toString('base64url') !== text) return undefined
      const id = bytes.subarray(0, idBytes)
      const sent = bytes.subarray(idBytes)
      if (!keys.some(key => timingSafeEqual(mac(key, id), sent))) return undefined
      return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    },

    code: id => codeOf(codeKeys[0], id),

    isCode: (id, code) =>
      code.length === codeLength &&
      codeKeys.some(key => timingSafeEqual(Buffer.from(codeOf(key, id)), Buffer.from(code))),

    readCode(text) {
      const code = text.replace(/[\s-]/g, '').toUpperCase().replace(/O/g, '0').replace(/[IL]/g, '1')
      return code.length === codeLength && [...code].every(letter => letters.includes(letter))
        ? code
        : undefined
    },
  }
}

function bytesOf(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}
