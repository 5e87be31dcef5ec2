import type { Config } from './config.ts'
import type { DatabaseClock } from './database/clock.ts'
import type { Database } from './database/open.ts'
import type { Metrics } from './metrics.ts'
import type { Passwords } from './passwords/hash.ts'
import type { RevocationService } from './revocation/createRevocation.ts'
import type { AccessClaims, AccessTokens } from './tokens/accessToken.ts'
import type { RefreshTokens } from './tokens/refreshToken.ts'
import type { SigningKeys } from './tokens/signingKeys.ts'

/** What the verbs work with: opened by createAuth, handed down, never reached for. */
export interface Parts {
  readonly config: Config
  readonly db: Database
  readonly decisions: Database
  readonly clock: DatabaseClock
  readonly keys: SigningKeys
  readonly accessTokens: AccessTokens
  readonly refreshTokens: RefreshTokens
  readonly passwords: Passwords
  readonly revocation: RevocationService
  readonly log: Log
  readonly metrics: Metrics
}

/** As much of pino as is used below http/. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** Who sends a request, as far as anybody can tell without a token. */
export interface Visitor {
  readonly ipAddress: string | null
  readonly userAgent: string | null
  /** What an access token of this request is bound to (ANNUL_BIND), as a hash; undefined where it is not. */
  readonly binding: string | undefined
  /** The same for a token that is issued now: a missing fingerprint cookie is made. */
  bindNew(): string | undefined
  /** Told how long a mutation waited until every node refused what it had revoked, in milliseconds. */
  revoked(waitedMs: number): void
}

/** A visitor whose access token was accepted for this request. */
export interface Viewer extends Visitor {
  readonly userId: string
  readonly sessionId: string
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly claims: AccessClaims
}

/** The role of those who run the server: the only one that Annul itself knows. */
export const adminRole = 'admin'
