import { badUserInput } from '../errors.ts'
import { fold, isCommon, spellings } from './blocklist.ts'
import { normalizePassword } from './normalize.ts'

/** In code points. Longer passwords are refused before they are hashed, so that long input costs no hashing. */
export const passwordMaxLength = 256

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

/** The settings that new passwords are checked by. */
export interface PasswordSettings {
  /** Code points. */
  readonly passwordMinLength: number
  readonly siteName: string
}

/**
 * Checks a new password: length, printable, neither the e-mail nor the site's name, not common, and not breached where
 * breaches are looked up. The whole password is compared, not its parts. No rules on kinds of characters, which only make
 * passwords worse (NIST SP 800-63B-4, 3.1.1.2). To be awaited outside of transactions: the look-up takes up to 500 ms.
 *
 * @param email the account's; empty where there is none
 * @param argument the password's path, for example `input.password`
 * @throws AuthError BAD_USER_INPUT with PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_CHARACTERS, PASSWORD_IS_EMAIL,
 *   PASSWORD_TOO_COMMON or PASSWORD_BREACHED
 */
export async function checkNewPassword(
  {
    config,
    passwords,
  }: { config: PasswordSettings; passwords: { isBreached(text: string): Promise<boolean> } },
  password: string,
  email: string,
  argument: string,
): Promise<void> {
  checkPasswordRules(config, password, email, argument)
  if (await isCommon(password)) throw tooCommon(argument)
  if (await passwords.isBreached(password))
    throw badUserInput(
      argument,
      'PASSWORD_BREACHED',
      'This password is known from a breach of another service. Please choose another one.',
    )
}

/**
 * What checkNewPassword checks without waiting: all but the lists. For a transaction that has just read the e-mail.
 *
 * @throws AuthError as checkNewPassword
 */
export function checkPasswordRules(
  { passwordMinLength, siteName }: PasswordSettings,
  password: string,
  email: string,
  argument: string,
): void {
  checkPasswordLength(password, argument)
  const normal = normalizePassword(password)
  // As typed and as hashed: NFKC makes one letter of "e" and an accent, and eighteen of some single ligatures.
  if (Math.min(codePoints(password), codePoints(normal)) < passwordMinLength)
    throw badUserInput(
      argument,
      'PASSWORD_TOO_SHORT',
      `A password has at least ${passwordMinLength} characters.`,
    )
  if (/[\p{Cc}\p{Cs}]/u.test(normal))
    throw badUserInput(argument, 'PASSWORD_CHARACTERS', 'A password has no control characters.')
  const folded = fold(password)
  if (folded === fold(email))
    throw badUserInput(argument, 'PASSWORD_IS_EMAIL', 'The password must not be the e-mail.')
  const expected = [siteName, email, email.slice(0, email.lastIndexOf('@'))].map(fold)
  if (spellings(folded).some(spelling => expected.includes(spelling))) throw tooCommon(argument)
}

function tooCommon(argument: string) {
  return badUserInput(
    argument,
    'PASSWORD_TOO_COMMON',
    'This password is easy to guess: it is a common one, or made of the e-mail or the name of this site.',
  )
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
