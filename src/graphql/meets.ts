import { AuthError, forbidden, reauthenticationRequired } from '../errors.ts'
import { hasSecondFactor } from '../factors/amr.ts'
import type { Requirement } from './requirements.ts'

/** The part of a viewer that a requirement looks at. */
export interface Guarded {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly claims: { readonly auth_time: number; readonly amr?: readonly string[] | undefined }
}

/**
 * Checks `maxAge` and `mfa` last, so that nobody is asked for a proof for a field that stays forbidden.
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
  const isOld = (maxAge: number | undefined) =>
    maxAge !== undefined && clock.now() - decision.claims.auth_time > maxAge
  const lacksFactor = !hasSecondFactor(decision.claims.amr)
  for (const { maxAge, mfa = false } of requirements)
    if (isOld(maxAge) || (mfa && lacksFactor)) throw reauthenticationRequired(strictest(requirements))
}

/** All that is wanted of one proof, so that nobody is asked twice. */
function strictest(requirements: readonly Requirement[]) {
  const ages = requirements.flatMap(({ maxAge }) => maxAge ?? [])
  return {
    ...(ages.length > 0 && { maxAge: Math.min(...ages) }),
    mfa: requirements.some(({ mfa }) => mfa === true),
  }
}
