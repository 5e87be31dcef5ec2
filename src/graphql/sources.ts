import type { SessionRow, UserRow } from '../database/rows.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { SessionEvent } from '../sessions/sessionEvents.ts'

/** What the resolvers of User start from. The row is there when a verb had it at hand, else it is read when needed. */
export interface UserSource {
  readonly id: string
  readonly roles?: readonly string[]
  readonly scopes?: readonly string[]
  readonly row?: UserRow
  /** The session that a verb has just given its own user: it may see that user's sessions. */
  readonly ownSessionId?: string
}

export interface SessionSource {
  readonly row: SessionRow
  readonly current: boolean
}

export type TokensSource = Tokens
export type SessionEventSource = SessionEvent
