import type { SessionRow, UserRow } from '../database/rows.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { SessionEvent } from '../sessions/sessionEvents.ts'
import type { Viewer } from '../viewer.ts'

/**
 * The source of User's resolvers. An app or a gateway gives any object with an id, and Annul believes nothing of the
 * object but the id. Annul's own resolvers give a KnownUser, which no JSON can imitate.
 */
export interface UserSource {
  readonly id: string
}

/** A user with what Annul's own verbs or claims have told. What is missing is read when a field asks for it. */
export class KnownUser implements UserSource {
  readonly id: string
  readonly row: UserRow | undefined
  readonly roles: readonly string[] | undefined
  readonly scopes: readonly string[] | undefined
  /** The session that a verb has just opened or moved on for this user, who may therefore see all fields. */
  readonly ownSessionId: string | undefined

  private constructor(
    id: string,
    known: Partial<Pick<KnownUser, 'row' | 'roles' | 'scopes' | 'ownSessionId'>>,
  ) {
    this.id = id
    this.row = known.row
    this.roles = known.roles ?? known.row?.roles
    this.scopes = known.scopes ?? known.row?.scopes
    this.ownSessionId = known.ownSessionId
  }

  static ofRow(row: UserRow): KnownUser {
    return new KnownUser(row.id, { row })
  }

  /** Needs no query: roles and scopes of an accepted token are those of the row, with the roles that it withholds. */
  static ofClaims({ userId, roles, scopes, claims }: Viewer): KnownUser {
    return new KnownUser(userId, { roles: [...roles, ...(claims.mfa_roles ?? [])], scopes })
  }

  /** The owner of tokens that were just issued. */
  static ofTokens({ user, session }: Tokens): KnownUser {
    return new KnownUser(user.id, { row: user, ownSessionId: session.id })
  }
}

export interface SessionSource {
  readonly row: SessionRow
  readonly current: boolean
}

/** @param sessionId the session that sends the request; null where it has none */
export function sourcesOf(sessions: readonly SessionRow[], sessionId: string | null): SessionSource[] {
  return sessions.map(row => ({ row, current: row.id === sessionId }))
}

export type TokensSource = Tokens
export type SessionEventSource = SessionEvent
