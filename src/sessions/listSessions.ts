import { and, desc, eq } from 'drizzle-orm'
import type { SessionRow } from '../database/rows.ts'
import { epochs, sessions, users } from '../database/tables.ts'
import type { Parts } from '../parts.ts'

import { isLive } from './sessionState.ts'

/** A user's live sessions, the most recently used first. */
export async function listSessions(parts: Pick<Parts, 'db'>, userId: string): Promise<SessionRow[]> {
  const found = await parts.db
    .select({ session: sessions })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(and(eq(sessions.userId, userId), isLive))
    .orderBy(desc(sessions.lastUsedAt), desc(sessions.createdAt))
  return found.map(({ session }) => session)
}
