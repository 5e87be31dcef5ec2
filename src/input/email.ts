import { badUserInput } from '../errors.ts'

/** RFC 5321, 4.5.3.1.3, less the angle brackets. */
const maxLength = 254

/** The form that e-mails are found by: `A@B.c` and `a@b.C` are one person's. */
export function emailKey(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase()
}

/**
 * What nobody sees: controls, marks that turn the direction of writing, and everything that is drawn as nothing (zero
 * width, fillers, variation selectors). With it, two addresses that look the same would be two accounts.
 */
const invisible = /[\p{Cc}\p{Cs}\p{Cf}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u

/**
 * An e-mail for a new account: something before and after one @, nothing invisible. Whether it exists only a mail can
 * tell.
 *
 * @throws AuthError BAD_USER_INPUT / EMAIL_INVALID or EMAIL_TOO_LONG
 */
export function checkEmail(email: string, argument: string): string {
  const trimmed = email.trim()
  if (trimmed.length > maxLength || Buffer.byteLength(trimmed) > maxLength)
    throw badUserInput(argument, 'EMAIL_TOO_LONG', `An e-mail has at most ${maxLength} characters.`)
  // Also in the form that it is found by: NFKC makes an @ of "＠", and a filler that nobody sees of another one.
  if ([trimmed, emailKey(trimmed)].some(form => !/^[^\s@]+@[^\s@]+$/u.test(form)) || invisible.test(email))
    throw badUserInput(argument, 'EMAIL_INVALID', 'This is not an e-mail address.')
  return trimmed
}
