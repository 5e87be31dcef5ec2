import { asc, eq, getTableColumns, isNull, lte, sql } from 'drizzle-orm'
import type { AppUser } from '../app/user.ts'
import type { Database } from '../database/open.ts'
import { userColumns } from '../database/rows.ts'
import { oneTimeTokens, outbox, users } from '../database/tables.ts'

/**
 * For so long a claimed mail belongs to the node that claimed it: longer than a delivery can take. When the node has
 * died, another one claims the mail again.
 */
const leaseSeconds = 120

/** A mail of the outbox that this node delivers. */
export type ClaimedMail = NonNullable<Awaited<ReturnType<typeof claimMail>>>

/**
 * Claims the mail that has been due the longest, by one statement that commits at once: while an SMTP server takes its
 * time, no transaction is open. Mails that another node is just claiming are passed over.
 */
export async function claimMail(db: Database) {
  const due = db
    .select({ id: outbox.id })
    .from(outbox)
    .where(lte(outbox.nextAt, sql`now()`))
    .orderBy(asc(outbox.nextAt))
    .limit(1)
    .for('update', { skipLocked: true })
  const [mail] = await db
    .update(outbox)
    .set({
      attempts: sql`${outbox.attempts} + 1`,
      nextAt: sql`now() + make_interval(secs => ${leaseSeconds})`,
    })
    .where(eq(outbox.id, due))
    .returning({
      ...getTableColumns(outbox),
      ageSeconds: sql<number>`extract(epoch from now() - ${outbox.createdAt})::float8`,
    })
  return mail
}

/** The one-time token of a mail, with whether its link still counts. */
export async function readToken(db: Database, id: string) {
  const { purpose, createdAt, expiresAt, endedAt, device } = oneTimeTokens
  const [token] = await db
    .select({
      purpose,
      createdAt,
      expiresAt,
      hasCode: sql<boolean>`${device} is not null`,
      isLive: sql<boolean>`${isNull(endedAt)} and ${expiresAt} > now()`,
    })
    .from(oneTimeTokens)
    .where(eq(oneTimeTokens.id, id))
  return token
}

/** The user of a mail, for the language. */
export async function readUser(db: Database, id: string): Promise<AppUser | undefined> {
  const [user] = await db.select(userColumns).from(users).where(eq(users.id, id))
  return user
}

/** Puts a mail back, to be claimed again after a pause. */
export async function postpone(db: Database, { id }: { id: string }, pauseSeconds: number): Promise<void> {
  await db
    .update(outbox)
    .set({ nextAt: sql`now() + make_interval(secs => ${pauseSeconds})` })
    .where(eq(outbox.id, id))
}

/** Removes a mail that was delivered, or never will be. */
export async function removeMail(db: Database, { id }: { id: string }): Promise<void> {
  await db.delete(outbox).where(eq(outbox.id, id))
}
