import { badUserInput } from '../errors.ts'

/** In code points. Longer passwords are refused before they are hashed, so that long input costs no hashing. */
export const passwordMaxLength = 256

/** One password has one spelling: "é" typed as one code point or as two (NIST SP 800-63B, 5.1.1.2). */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC')
}

/**
 * Refuses a text that is too long for a password. Called before every hash, at login too.
 *
 * @param argument its path, for example `input.password`
 * @throws AuthError BAD_USER_INPUT / PASSWORD_TOO_LONG
 */
export function checkPasswordLength(password: string, argument: string): void {
  // UTF-16 length first: counting the code points of 100 kB is work too.
  if (password.length > 2 * passwordMaxLength || codePoints(password) > passwordMaxLength)
    throw badUserInput(
      argument,
      'PASSWORD_TOO_LONG',
      `A password has at most ${passwordMaxLength} characters.`,
    )
}

/**
 * Checks a new password: length, printable, not the e-mail. No rules on kinds of characters, which only make passwords
 * worse (NIST SP 800-63B).
 *
 * @param minLength code points
 * @throws AuthError BAD_USER_INPUT with PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_CHARACTERS or PASSWORD_IS_EMAIL
 */
export function checkNewPassword(password: string, email: string, minLength: number, argument: string): void {
  checkPasswordLength(password, argument)
  const normal = normalizePassword(password)
  // As typed and as hashed: NFKC makes one letter of "e" and an accent, and eighteen of some single ligatures.
  if (Math.min(codePoints(password), codePoints(normal)) < minLength)
    throw badUserInput(argument, 'PASSWORD_TOO_SHORT', `A password has at least ${minLength} characters.`)
  if (/[\p{Cc}\p{Cs}]/u.test(normal))
    throw badUserInput(argument, 'PASSWORD_CHARACTERS', 'A password has no control characters.')
  if (normal.toLowerCase() === email.normalize('NFKC').toLowerCase())
    throw badUserInput(argument, 'PASSWORD_IS_EMAIL', 'The password must not be the e-mail.')
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
