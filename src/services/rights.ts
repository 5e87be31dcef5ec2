import { badUserInput } from '../errors.ts'

/** What a service may be allowed to do. Apart from each other, so that a leaked secret of a subgraph signs nobody out. */
export const rightsOfServices = ['feed', 'introspect', 'revoke'] as const
export type Right = (typeof rightsOfServices)[number]

export function isRight(text: string): text is Right {
  return rightsOfServices.some(right => right === text)
}

/**
 * Rights as they are stored: each once, in the order of the list.
 *
 * @throws AuthError BAD_USER_INPUT / RIGHTS_INVALID
 */
export function checkRights(rights: readonly string[]): readonly Right[] {
  const unknown = rights.find(right => !isRight(right))
  if (unknown !== undefined || rights.length === 0)
    throw badUserInput(
      'rights',
      'RIGHTS_INVALID',
      `The rights of a service are one or more of ${rightsOfServices.join(', ')}.`,
    )
  return rightsOfServices.filter(right => rights.includes(right))
}

/** @throws AuthError BAD_USER_INPUT / NAME_INVALID */
export function checkServiceName(name: string): string {
  if (!/^[a-z0-9-]{1,64}$/.test(name))
    throw badUserInput(
      'name',
      'NAME_INVALID',
      'The name of a service has 1 to 64 characters of a-z, 0-9 and "-".',
    )
  return name
}
