import { and, arrayOverlaps, asc, eq, ne } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { epochs, sessions, users } from '../database/tables.ts'
import type { Revoke } from '../revocation/log.ts'
import type { SessionViewer } from '../viewer.ts'
import { isLive } from './sessionState.ts'

/**
 * Ends the viewer's other sessions that factors have opened, or have given a proof for since. To be called when the
 * factors' rows are deleted: whoever uses a factor up holds its row until the session is committed, so that the deletion
 * has waited for the session, and this sees it.
 */
export async function endFactorSessions(
  tx: Queries,
  revoke: Revoke,
  viewer: SessionViewer,
  factorIds: readonly string[],
): Promise<void> {
  const found = await tx
    .select({ id: sessions.id })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(
      and(
        eq(sessions.userId, viewer.userId),
        ne(sessions.id, viewer.sessionId),
        arrayOverlaps(sessions.factorIds, [...factorIds]),
        isLive,
      ),
    )
    .orderBy(asc(sessions.id))
  for (const { id } of found) await revoke.session(id, 'FACTOR_REMOVED')
}
