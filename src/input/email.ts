import { badUserInput } from '../errors.ts'

/** RFC 5321, 4.5.3.1.3, less the angle brackets. */
const maxLength = 254

/** The form that e-mails are found by: `A@B.c` and `a@b.C` are one person's. */
export function emailKey(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase()
}

/**
 * An e-mail for a new account: something before and after one @, nothing that can't be printed. Whether it exists only
 * a mail can tell.
 *
 * @throws AuthError BAD_USER_INPUT / EMAIL_INVALID or EMAIL_TOO_LONG
 */
export function checkEmail(email: string, argument: string): string {
  const trimmed = email.trim()
  if (trimmed.length > maxLength || Buffer.byteLength(trimmed) > maxLength)
    throw badUserInput(argument, 'EMAIL_TOO_LONG', `An e-mail has at most ${maxLength} characters.`)
  if (!/^[^\s@]+@[^\s@]+$/u.test(trimmed) || /[\p{Cc}\p{Cs}\p{Cf}]/u.test(email))
    throw badUserInput(argument, 'EMAIL_INVALID', 'This is not an e-mail address.')
  return trimmed
}
