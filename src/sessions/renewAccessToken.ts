import { and, eq, isNull, lt, or, sql } from 'drizzle-orm'
import { databaseTime } from '../database/clock.ts'
import { epochs, sessions, users } from '../database/tables.ts'
import type { Parts } from '../parts.ts'
import type { Viewer } from '../viewer.ts'
import { issueTokens } from './issueTokens.ts'

import { isLive } from './sessionState.ts'

/** A new access token in place of the viewer's. */
export interface Renewed {
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number
}

/**
 * A new access token for an active user whose present one is in its last third, so that no refresh interrupts them.
 * Using the session moves its idle end, as a refresh does. At most one per session and minute, on all nodes together.
 *
 * Never for a token from before the session's last refresh: so a thief who copied only an access token can't keep it
 * alive beyond the owner's next refresh.
 *
 * @returns undefined where none is due
 */
export async function renew(parts: Parts, viewer: Viewer): Promise<Renewed | undefined> {
  const { exp, iat, ver, auth_time } = viewer.claims
  if (exp - parts.clock.now() > (exp - iat) / 3) return undefined
  const [row] = await parts.db
    .update(sessions)
    .set({
      renewedAt: sql`now()`,
      lastUsedAt: sql`now()`,
      idleExpiresAt: sql`now() + make_interval(secs => ${parts.config.sessionIdleSeconds})`,
    })
    .from(users)
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(
      and(
        eq(sessions.id, viewer.sessionId),
        or(isNull(sessions.renewedAt), lt(sessions.renewedAt, sql`now() - interval '1 minute'`)),
        sql`floor(extract(epoch from ${sessions.rotatedAt})) <= ${iat}::float8`,
        eq(users.id, sessions.userId),
        eq(users.tokenVersion, ver),
        isLive,
      ),
    )
    .returning({ session: sessions, user: users, epoch: epochs.epoch, readAt: databaseTime })
  if (row === undefined) return undefined
  const { accessToken, expiresIn } = issueTokens(parts, viewer, row, { authTime: auth_time })
  return { accessToken, expiresIn }
}
