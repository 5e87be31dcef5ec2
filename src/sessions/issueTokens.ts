import type { SessionRow, UserRow } from '../database/rows.ts'
import { rolesWith } from '../factors/amr.ts'
import type { Parts } from '../parts.ts'
import { ownClaims } from '../tokens/ownClaims.ts'
import type { Visitor } from '../viewer.ts'
import { checkBinding } from './checkBinding.ts'

/**
 * The rows that a token is made from. They come from the statement that checked the password or the generation, never
 * from a later read: so a token that is issued during a kill carries the old versions, and is refused from the start.
 */
export interface TokenSource<Session = SessionRow> {
  readonly user: UserRow
  readonly session: Session
  /** Everybody's, read together with the user. */
  readonly epoch: number
  /** When they were read, in seconds of database time. */
  readonly readAt: number
}

export interface Tokens<Session = SessionRow> {
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number
  readonly refreshToken: string
  readonly session: Session
  readonly user: UserRow
}

/** What tokens tell of their session. */
export type IssuedSession = Pick<
  SessionRow,
  'id' | 'generation' | 'authTime' | 'amr' | 'idleExpiresAt' | 'expiresAt'
>

/**
 * Makes the access token, and the refresh token of the session's present generation.
 *
 * @param options.authTime seconds; default: the session's. The time of a reauthentication stands in access tokens only:
 *   if it stood on the session, a thief's refresh would inherit it
 * @param options.amr default: the session's. That of a reauthentication stands in access tokens only, too
 * @throws AuthError UNAVAILABLE when the rows are too old to sign; Error when it can't be bound as ANNUL_BIND asks, or
 *   the app's claims are refused
 */
export function issueTokens<Session extends IssuedSession>(
  parts: Parts,
  visitor: Visitor,
  source: TokenSource<Session>,
  options: { authTime?: number; amr?: readonly string[] } = {},
): Tokens<Session> {
  const { user, session } = source
  checkBinding(parts, visitor)
  const binding = visitor.newBinding
  const amr = options.amr ?? session.amr
  const iat = Math.floor(source.readAt)
  // Never beyond the session's end, so that the view need not know when sessions expire.
  const exp = Math.min(
    iat + parts.config.accessTokenSeconds,
    Math.floor(sessionEnd(session).getTime() / 1000),
  )
  const grant = {
    sub: user.id,
    sid: session.id,
    ver: user.tokenVersion,
    epoch: source.epoch,
    ...rolesWith(amr, user.roles, parts.config.mfaRoles),
    scope: user.scopes.join(' '),
    auth_time: options.authTime ?? Math.floor(session.authTime.getTime() / 1000),
    amr,
    iat,
    exp,
    ...(binding !== undefined && { cnf: { binding } }),
  }
  const accessToken = parts.accessTokens.sign(grant, ownClaims(parts.app.claims, user))
  const refreshToken = parts.refreshTokens.derive({ sessionId: session.id, generation: session.generation })
  return { accessToken, expiresIn: exp - iat, refreshToken, session, user }
}

/** The earlier of idle and absolute end. */
export function sessionEnd(session: Pick<SessionRow, 'idleExpiresAt' | 'expiresAt'>): Date {
  return session.idleExpiresAt < session.expiresAt ? session.idleExpiresAt : session.expiresAt
}
