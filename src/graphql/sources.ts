import type { SessionRow, UserRow } from '../database/rows.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { SessionEvent } from '../sessions/sessionEvents.ts'
import type { Viewer } from '../viewer.ts'

/**
 * What the resolvers of User start from: an app's `{ id }`, or what a gateway sends. Of it nothing but the id is
 * believed. Only a KnownUser carries more, and no JSON can pass for one.
 */
export interface UserSource {
  readonly id: string
}

/** A user of whom Annul's own verbs or claims told more. What is missing is read when it is asked for. */
export class KnownUser implements UserSource {
  readonly id: string
  readonly row: UserRow | undefined
  readonly roles: readonly string[] | undefined
  readonly scopes: readonly string[] | undefined
  /** The session that a verb has just given this user, who may therefore see all fields. */
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

  /** Without a query: the claims' version was just found to be the row's. */
  static ofClaims({ userId, roles, scopes }: Viewer): KnownUser {
    return new KnownUser(userId, { roles, scopes })
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

/** @param sessionId the session that asks */
export function sourcesOf(sessions: readonly SessionRow[], sessionId: string): SessionSource[] {
  return sessions.map(row => ({ row, current: row.id === sessionId }))
}

export type TokensSource = Tokens
export type SessionEventSource = SessionEvent
