import { badUserInput } from '../errors.ts'

/**
 * A text that a client sent and that is stored or searched for: PostgreSQL stores no NUL, and a log shows no other
 * control characters.
 *
 * @throws AuthError BAD_USER_INPUT / TEXT_TOO_LONG or TEXT_CHARACTERS
 */
export function checkText(text: string, maxLength: number, argument: string): string {
  if (text.length > maxLength)
    throw badUserInput(argument, 'TEXT_TOO_LONG', `This text has at most ${maxLength} characters.`)
  if (/[\p{Cc}\p{Cs}]/u.test(text))
    throw badUserInput(argument, 'TEXT_CHARACTERS', 'This text must not have control characters.')
  return text
}
