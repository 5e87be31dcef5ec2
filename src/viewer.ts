import { sessionRequired } from './errors.ts'
import type { AccessClaims, VerifiedClaims } from './tokens/accessClaims.ts'

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

/** @internal The sender and the device, which no app can reach. */
export interface DeviceVisitor extends Visitor, OnDevice {}

/** @internal */
export interface OnDevice {
  readonly device: VisitorDevice
}

/** @internal The browser or app that sends a request, as its device token tells (tokens/deviceToken.ts). */
export interface VisitorDevice {
  /** Of a client without one it is made now, and given to the client with the answer. */
  readonly id: string
  /** The id, if the client has sent one. */
  readonly knownId: string | undefined
  /** Whether an account has signed in on the device. @param account its e-mail, folded (input/email.ts) */
  knows(account: string): boolean
  /** Tells the client that the account has signed in on it. */
  remember(account: string): void
}

/** The claims of an accepted token. For a former system's token they are Annul's own view of it, without a session. */
export type ViewerClaims = Omit<AccessClaims, 'sid'> & { readonly sid: string | null } & Readonly<
    Record<string, unknown>
  >

/** What an accepted access token says about its sender. */
export interface TokenViewer {
  readonly userId: string
  /** null: the token is one of a former system (`auth.accept`), which has no session of Annul's. */
  readonly sessionId: string | null
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  /** As they stand in the access token, the app's own among them. Frozen. */
  readonly claims: ViewerClaims
}

/** A sender whose access token was accepted for this request. */
export interface Viewer extends Visitor, TokenViewer {}

/** @internal A viewer whose token belongs to a session of Annul's. */
export interface SessionViewer extends Viewer {
  readonly sessionId: string
  readonly claims: VerifiedClaims
}

/** @internal */
export function hasSession(viewer: Viewer): viewer is SessionViewer {
  return viewer.sessionId !== null
}

/** @internal @throws AuthError REAUTHENTICATION_REQUIRED for a viewer without a session, who must sign in to have one */
export function inSession(viewer: Viewer): SessionViewer {
  if (!hasSession(viewer)) throw sessionRequired()
  return viewer
}

/** The role of admins: the only role that Annul itself knows. */
export const adminRole = 'admin'
