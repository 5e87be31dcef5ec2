/** Annul's own claims of an access token. Names of RFC 7519 and RFC 9068; `ver` is the user's token version. */
export interface AccessClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string
  readonly client_id: string
  /** Seconds of database time, as are `iat` and `auth_time`. */
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly sid: string
  readonly ver: number
  readonly epoch: number
  readonly roles: readonly string[]
  /** Roles of the user that the token does not carry, because `amr` has no second factor (ANNUL_MFA_ROLES). */
  readonly mfa_roles?: readonly string[]
  /** Separated by spaces. */
  readonly scope: string
  /** When the user last proved who they are. */
  readonly auth_time: number
  /** How the user has proved who they are (RFC 8176), such as `pwd`; `mfa`: with a second factor. Absent before 0.3.0. */
  readonly amr?: readonly string[]
  /** What the token is bound to, where it is (RFC 7800; see binding.ts). */
  readonly cnf?: { readonly binding: string }
}

/** The claims of a verified access token: Annul's, and those that an app adds by the option `claims`. */
export type VerifiedClaims = AccessClaims & Readonly<Record<string, unknown>>
