import { and, eq, type SQL } from 'drizzle-orm'
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
  return (await liveSessions(parts, hasId(sessions.id, ids))).map(({ session }) => session)
}

/** The query for live sessions of which the condition holds. */
export function liveSessions({ db }: Pick<Parts, 'db'>, condition: SQL) {
  return db
    .select({ session: sessions })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(and(condition, isLive))
}
