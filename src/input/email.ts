import { badUserInput } from '../errors.ts'

/** RFC 5321, 4.5.3.1.3, less the angle brackets. */
const maxLength = 254

/** The form that accounts are looked up by: `A@B.c` and `a@b.C` are the e-mail of one account. */
export function emailKey(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase()
}

/**
 * Invisible characters: controls, marks that turn the direction of writing, and characters without a glyph (zero width,
 * fillers, variation selectors). With them, two addresses that look the same would be two accounts.
 */
const invisible = /[\p{Cc}\p{Cs}\p{Cf}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u

/**
 * Checks the form of an e-mail: text before and after one @, nothing invisible. Only a mail that is sent to the address
 * can show whether the address exists.
 *
 * @returns the e-mail without spaces around it
 *
 * @throws AuthError BAD_USER_INPUT / EMAIL_INVALID or EMAIL_TOO_LONG
 */
export function checkEmail(email: string, argument: string): string {
  const trimmed = email.trim()
  if (trimmed.length > maxLength || Buffer.byteLength(trimmed) > maxLength)
    throw badUserInput(argument, 'EMAIL_TOO_LONG', `An e-mail has at most ${maxLength} characters.`)
  // Checked in the form for the look-up, too: NFKC turns "＠" into "@".
  if ([trimmed, emailKey(trimmed)].some(form => !/^[^\s@]+@[^\s@]+$/u.test(form)) || invisible.test(email))
    throw badUserInput(argument, 'EMAIL_INVALID', 'This is not an e-mail address.')
  return trimmed
}
