import { randomBytes } from 'node:crypto'

/*
 * Codes for the day when every other factor is lost. Base32 by Crockford, whose letters are hard to mistake: four groups
 * of four, which are 80 bits.
 */

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const length = 16

/** How many codes an account has. */
export const codesOfAccount = 10

/** A new code, as it is shown: `7K3M-0QZV-9XWB-T2AH`. */
export function newRecoveryCode(): string {
  // 256 is a multiple of 32: every letter is as likely as the others.
  const letters = [...randomBytes(length)].map(byte => alphabet[byte % alphabet.length])
  return letters.join('').replace(/.{4}(?!$)/g, '$&-')
}

/** What is hashed of a code that was typed, however it was typed; undefined: this is none. */
export function readRecoveryCode(typed: string): string | undefined {
  if (typed.length > 100) return undefined
  const letters = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')
  return letters.length === length && [...letters].every(letter => alphabet.includes(letter))
    ? letters
    : undefined
}
