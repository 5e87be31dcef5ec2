import { badUserInput } from '../errors.ts'

/**
 * An id that a client sent, in the form that it is stored in.
 *
 * @throws AuthError BAD_USER_INPUT / ID_INVALID
 */
export function checkId(id: string, argument: string): string {
  if (!isId(id)) throw badUserInput(argument, 'ID_INVALID', 'This is not an id: it must be a UUID.')
  return id.toLowerCase()
}

export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)
}
