/*
 * How a user has proved who they are: the claim `amr`, by the names of RFC 8176. `mfa` says that a second factor was
 * among the proofs, and is all that Annul itself asks for.
 */

const withSecondFactor = 'mfa'

/** Proofs by name. A passkey shows a key that one device holds (`hwk`), or that is synchronised to several (`swk`). */
export const methods = {
  password: ['pwd'],
  code: ['otp', withSecondFactor],
  devicePasskey: ['hwk', 'user', withSecondFactor],
  syncedPasskey: ['swk', 'user', withSecondFactor],
} as const satisfies Record<string, readonly string[]>

/** The proofs of several steps, each method once. */
export function together(...steps: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(steps.flat())]
}

/** @param amr undefined: a token of a former system, or of a version before there were factors */
export function hasSecondFactor(amr: readonly string[] | undefined): boolean {
  return amr?.includes(withSecondFactor) ?? false
}

/** What a viewer's claims say of roles. */
interface ClaimedRoles {
  readonly roles: readonly string[]
  readonly mfa_roles?: readonly string[]
}

/**
 * A user's roles, as claims: those that a token carries, and, apart from them, those that it would carry with a second
 * factor. Told apart, so that a guard knows without a query whether a second factor would help.
 *
 * @param mfaRoles the roles that want a second factor (ANNUL_MFA_ROLES)
 */
export function rolesWith(
  amr: readonly string[] | undefined,
  roles: readonly string[],
  mfaRoles: readonly string[],
): ClaimedRoles {
  if (hasSecondFactor(amr) || !roles.some(role => mfaRoles.includes(role))) return { roles }
  return {
    roles: roles.filter(role => !mfaRoles.includes(role)),
    mfa_roles: roles.filter(role => mfaRoles.includes(role)),
  }
}

/** Whether claims carry a role that wants a second factor, without one: they are of a time before ANNUL_MFA_ROLES. */
export function lacksFactorFor(
  claims: { readonly amr?: readonly string[]; readonly roles: readonly string[] },
  mfaRoles: readonly string[],
): boolean {
  return !hasSecondFactor(claims.amr) && claims.roles.some(role => mfaRoles.includes(role))
}
