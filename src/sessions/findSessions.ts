import { and, eq } from 'drizzle-orm'
import { hasId } from '../database/hasId.ts'
import type { SessionRow } from '../database/rows.ts'
import { epochs, sessions, users } from '../database/tables.ts'
import type { Parts } from '../parts.ts'
import { isLive } from './sessionState.ts'

/**
 * The live sessions of these ids, whosever they are, in any order.
 *
 * @param ids UUIDs
 */
export async function findSessions(parts: Pick<Parts, 'db'>, ids: readonly string[]): Promise<SessionRow[]> {
  const found = await parts.db
    .select({ session: sessions })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(and(hasId(sessions.id, ids), isLive))
  return found.map(({ session }) => session)
}
