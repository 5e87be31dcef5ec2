import { and, eq, ne, sql } from 'drizzle-orm'
import { firstOf, type Queries } from '../database/open.ts'
import type { UserRow } from '../database/rows.ts'
import { sessions } from '../database/tables.ts'
import type { DeviceVisitor } from '../viewer.ts'

/** More new devices in an hour are not told: by then the owner has had as many mails as could help. */
const mostInAnHour = 5

/**
 * Whether the owner is to be told of a sign-in: an account that has signed in before does it on a device that does not
 * know it. An account that is older than a day counts as one that has: its sessions may have ended long ago, and
 * their rows are gone (sessions/forgottenSessions.ts). Nobody misses the mail more than the owner of an account that is
 * hardly used.
 *
 * A client that keeps no device token, such as a script, counts as known by its User-Agent and address together:
 * otherwise each of its sign-ins would be told, and soon nobody would read these mails.
 *
 * To be called before `visitor.device.remember`.
 *
 * @param sessionId of the sign-in, which is not counted
 */
export async function isNewDevice(
  tx: Queries,
  visitor: DeviceVisitor,
  user: Pick<UserRow, 'id' | 'emailKey' | 'createdAt'>,
  sessionId: string,
): Promise<boolean> {
  if (user.emailKey === null || visitor.device.knows(user.emailKey)) return false
  const device = sql`(${sessions.userAgent}, ${sessions.ipAddress})`
  const before = firstOf(
    await tx
      .select({
        isSignedIn: sql<boolean>`count(*) > 0
        or ${user.createdAt.toISOString()}::timestamptz < now() - interval '1 day'`,
        isKnown: sql<boolean>`coalesce(bool_or(
        ${sessions.userAgent} is not distinct from ${visitor.userAgent}::text
        and ${sessions.ipAddress} is not distinct from ${visitor.ipAddress}::inet), false)`,
        isFlood: sql<boolean>`count(distinct ${device}) filter (
        where ${sessions.createdAt} > now() - interval '1 hour') >= ${mostInAnHour}`,
      })
      .from(sessions)
      .where(and(eq(sessions.userId, user.id), ne(sessions.id, sessionId))),
  )
  return before.isSignedIn && !before.isKnown && !before.isFlood
}
