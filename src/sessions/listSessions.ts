import { desc, eq } from 'drizzle-orm'
import type { SessionRow } from '../database/rows.ts'
import { sessions } from '../database/tables.ts'
import type { Parts } from '../parts.ts'
import { liveSessions } from './findSessions.ts'

/** A user's live sessions, the most recently used first. */
export async function listSessions(parts: Pick<Parts, 'db'>, userId: string): Promise<SessionRow[]> {
  const found = await liveSessions(parts, eq(sessions.userId, userId)).orderBy(
    desc(sessions.lastUsedAt),
    desc(sessions.createdAt),
  )
  return found.map(({ session }) => session)
}
