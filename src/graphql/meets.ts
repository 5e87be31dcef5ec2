import { AuthError, forbidden, reauthenticationRequired } from '../errors.ts'
import { hasSecondFactor } from '../factors/amr.ts'
import { adminRole } from '../viewer.ts'
import type { Requirement } from './requirements.ts'

/** The part of a viewer that a requirement looks at. */
export interface Guarded {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly claims: {
    readonly auth_time: number
    readonly amr?: readonly string[] | undefined
    readonly mfa_roles?: readonly string[] | undefined
  }
}

/** What Annul itself asks of admins, where no `@auth` does. */
export const adminsOnly: readonly Requirement[] = [{ roles: [adminRole] }]

/**
 * Checks for a fresh proof last (`maxAge`, `mfa`), so that nobody is asked for one for a field that stays forbidden. A
 * role that the user's tokens carry only with a second factor (ANNUL_MFA_ROLES) is asked for as `mfa` is: the factor helps.
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
  for (const required of requirements) {
    const { roles, scopes } = required
    const allowed =
      (roles === undefined || carriesOneOf(decision, roles) || withholdsOneOf(decision, roles)) &&
      (scopes === undefined || scopes.some(all => all.every(scope => decision.scopes.includes(scope))))
    if (!allowed) throw forbidden({ ...(roles && { roles }), ...(scopes && { scopes }) })
  }
  const { amr, auth_time } = decision.claims
  for (const { roles, maxAge, mfa = false } of requirements)
    if (
      (maxAge !== undefined && clock.now() - auth_time > maxAge) ||
      (mfa && !hasSecondFactor(amr)) ||
      (roles !== undefined && !carriesOneOf(decision, roles))
    )
      throw reauthenticationRequired(strictest(requirements, decision))
}

function carriesOneOf(decision: Guarded, roles: readonly string[]): boolean {
  return roles.some(role => decision.roles.includes(role))
}

function withholdsOneOf({ claims }: Guarded, roles: readonly string[]): boolean {
  return roles.some(role => claims.mfa_roles?.includes(role))
}

/** All that is wanted of one proof, so that nobody is asked twice. */
function strictest(requirements: readonly Requirement[], decision: Guarded) {
  const ages = requirements.flatMap(({ maxAge }) => maxAge ?? [])
  return {
    ...(ages.length > 0 && { maxAge: Math.min(...ages) }),
    mfa: requirements.some(
      ({ roles, mfa }) => mfa === true || (roles !== undefined && !carriesOneOf(decision, roles)),
    ),
  }
}
