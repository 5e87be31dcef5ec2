import { and, eq, ne, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { sessions } from '../database/tables.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Visitor } from '../viewer.ts'
import type { Tokens } from './issueTokens.ts'

/** More new devices in an hour are not told: by then the owner has had as many mails as could help. */
const mostInAnHour = 5

/**
 * Queues a mail to the owner, where an account that has signed in before signs in on a device that does not know it.
 * A client that keeps no device token, such as a script, counts as known by its User-Agent and address together:
 * otherwise each of its sign-ins would be told, and soon nobody would read these mails.
 *
 * To be called before `visitor.device.remember`.
 */
export async function tellOfNewDevice(
  tx: Queries,
  visitor: Visitor,
  { user, session }: Pick<Tokens, 'user' | 'session'>,
): Promise<void> {
  if (user.emailKey === null || visitor.device.knows(user.emailKey)) return
  const device = sql`(${sessions.userAgent}, ${sessions.ipAddress})`
  const [before] = await tx
    .select({
      isSignedIn: sql<boolean>`count(*) > 0`,
      isKnown: sql<boolean>`coalesce(bool_or(
        ${sessions.userAgent} is not distinct from ${session.userAgent}::text
        and ${sessions.ipAddress} is not distinct from ${session.ipAddress}::inet), false)`,
      isFlood: sql<boolean>`count(distinct ${device}) filter (
        where ${sessions.createdAt} > now() - interval '1 hour') >= ${mostInAnHour}`,
    })
    .from(sessions)
    .where(and(eq(sessions.userId, user.id), ne(sessions.id, session.id)))
  if (before === undefined || !before.isSignedIn || before.isKnown || before.isFlood) return
  await queueSecurityMail(tx, 'new-device', user, visitor)
}
