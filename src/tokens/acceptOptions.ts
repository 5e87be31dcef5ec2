/** How a former system may have signed its tokens. */
export type AcceptedAlgorithm =
  | 'HS256'
  | 'HS384'
  | 'HS512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'

/**
 * The key that a former system's tokens are verified with: a public key as PEM (text or bytes), JSON Web Key or
 * KeyObject; for HS256, HS384 and HS512 the secret, at least 32 random bytes, as bytes, JSON Web Key or KeyObject.
 */
export type AcceptedKey =
  | string
  | Uint8Array
  | { readonly [member: string]: unknown }
  | { readonly type: 'public' | 'secret' | 'private' }

/** What `auth.accept` needs to know of the system before Annul. */
export interface AcceptOptions {
  /** At least one; all of them must fit the key, so that no token chooses what the key is used for. */
  readonly algorithms: readonly AcceptedAlgorithm[]
  readonly key: AcceptedKey
  /** The `iss` of the tokens, which must not be Annul's own. null: they have none. */
  readonly issuer: string | null
  /** The `aud` of the tokens, or a member of it where it is a list. null: they have none. */
  readonly audience: string | null
  /**
   * The id of the user whom a token is about, as Annul knows it: a UUID. Called with the verified claims; at once, so a
   * promise is refused.
   *
   * @returns null or undefined to refuse the token, as TOKEN_INVALID
   */
  subject(claims: { readonly [name: string]: unknown }): string | null | undefined
  /** When the last of the tokens is refused, whatever its `exp` says. In the past: none is accepted. */
  readonly until: Date
}
