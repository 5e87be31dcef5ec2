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

/**
 * The roles that an access token may carry.
 *
 * @param mfaRoles those that want a second factor (ANNUL_MFA_ROLES)
 */
export function rolesWith(
  amr: readonly string[],
  roles: readonly string[],
  mfaRoles: readonly string[],
): readonly string[] {
  return hasSecondFactor(amr) ? roles : roles.filter(role => !mfaRoles.includes(role))
}
