/** A user as an app's claims and hooks see it: a copy of the row, without anything secret. */
export interface AppUser {
  /** A UUID, never used for another account. */
  readonly id: string
  /** As it was typed. */
  readonly email: string | null
  readonly emailVerified: boolean
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly createdAt: Date
}

/** @internal A copy of these members alone: an app may neither see the others nor change what a token is made from. */
export function appUser({ id, email, emailVerified, roles, scopes, createdAt }: AppUser): AppUser {
  return Object.freeze({
    id,
    email,
    emailVerified,
    roles: Object.freeze([...roles]),
    scopes: Object.freeze([...scopes]),
    createdAt: new Date(createdAt),
  })
}
