import type { VerifiedClaims } from './tokens/accessClaims.ts'

/** The sender of a request, as far as the request shows it without a token. */
export interface Visitor {
  readonly ipAddress: string | null
  readonly userAgent: string | null
  /** What an access token of this request must be bound to (ANNUL_BIND), as a hash; undefined where that is unknown. */
  readonly binding: string | undefined
  /** What an access token that is issued now is bound to; undefined where none is bound. */
  readonly newBinding: string | undefined
  /** Told how long a mutation waited until every node refused what it had revoked, in milliseconds. */
  revoked(waitedMs: number): void
}

/** A visitor whose access token was accepted for this request. */
export interface Viewer extends Visitor {
  readonly userId: string
  readonly sessionId: string
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  /** As they stand in the access token, the app's own among them. Frozen. */
  readonly claims: VerifiedClaims
}

/** The role of admins: the only role that Annul itself knows. */
export const adminRole = 'admin'
