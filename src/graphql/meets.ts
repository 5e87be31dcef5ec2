import { AuthError, forbidden, reauthenticationRequired } from '../errors.ts'
import type { Requirement } from './requirements.ts'

/** The part of a viewer that a requirement looks at. */
export interface Guarded {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly claims: { readonly auth_time: number }
}

/**
 * Checks `maxAge` last, so that nobody is asked for a password again for a field that stays forbidden.
 *
 * @param clock.now database time in seconds
 * @throws AuthError the decision itself, FORBIDDEN, REAUTHENTICATION_REQUIRED
 */
export function check(
  decision: Guarded | AuthError,
  requirements: readonly Requirement[],
  clock: { now(): number },
): void {
  if (decision instanceof AuthError) throw decision
  for (const { roles, scopes } of requirements) {
    const allowed =
      (roles === undefined || roles.some(role => decision.roles.includes(role))) &&
      (scopes === undefined || scopes.some(all => all.every(scope => decision.scopes.includes(scope))))
    if (!allowed) throw forbidden({ ...(roles && { roles }), ...(scopes && { scopes }) })
  }
  for (const { maxAge } of requirements)
    if (maxAge !== undefined && clock.now() - decision.claims.auth_time > maxAge)
      throw reauthenticationRequired(maxAge)
}
