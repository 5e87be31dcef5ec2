import { and, eq, ne, sql } from 'drizzle-orm'
import { firstOf, type Queries } from '../database/open.ts'
import { preparedOnce } from '../database/preparedOnce.ts'
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
  const { userAgent, ipAddress } = visitor
  const values = { userId: user.id, sessionId, createdAt: user.createdAt.toISOString(), userAgent, ipAddress }
  const before = firstOf(await former(tx).execute(values))
  return before.isSignedIn && !before.isKnown && !before.isFlood
}

const { placeholder } = sql
const device = sql`(${sessions.userAgent}, ${sessions.ipAddress})`

/** What the account's other sessions tell. */
const former = preparedOnce(tx =>
  tx
    .select({
      isSignedIn: sql<boolean>`count(*) > 0
        or ${placeholder('createdAt')}::timestamptz < now() - interval '1 day'`,
      isKnown: sql<boolean>`coalesce(bool_or(
        ${sessions.userAgent} is not distinct from ${placeholder('userAgent')}::text
        and ${sessions.ipAddress} is not distinct from ${placeholder('ipAddress')}::inet), false)`,
      isFlood: sql<boolean>`count(distinct ${device}) filter (
        where ${sessions.createdAt} > now() - interval '1 hour') >= ${mostInAnHour}`,
    })
    .from(sessions)
    .where(and(eq(sessions.userId, placeholder('userId')), ne(sessions.id, placeholder('sessionId'))))
    .prepare('annul_former_sessions'),
)
