import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { epochs, revocations, sessions, users } from '../database/tables.ts'
import type { RevocationReason } from '../errors.ts'
import type { Revocation } from './view.ts'

/*
 * Every way a session or a user's tokens die goes through one of these methods. Each changes the row that the
 * strict path reads, and appends to the log that the views follow, in one transaction: so the two can't disagree, and
 * a kill that rolls back leaves no trace. Rows are locked in one order everywhere, user before session, so that kills
 * never deadlock with each other.
 */

/**
 * The channel that tells followers to read now, and which transaction to look for. A message is only a hint: a lost one
 * costs time, never correctness.
 */
export const revocationChannel = 'annul_revocations'

/** A row as it is appended: the database adds the time. */
export type Appended = Omit<Revocation, 'revokedAt' | 'reason'> & { readonly reason: RevocationReason }

/** How a transaction kills, and what it has killed. */
export interface Revoke {
  /** What was appended so far. */
  readonly entries: readonly Appended[]
  /** The transaction's id; undefined while nothing was appended. */
  readonly xid: string | undefined
  /** Ends one session, if it has not been ended before: its refresh token, and its access tokens. */
  session(sessionId: string, reason: RevocationReason): Promise<void>
  /** Kills all access tokens of a user; with `sessions` also all sessions. Appends one row, whatever their number. */
  user(userId: string, reason: RevocationReason, what: { sessions: boolean }): Promise<UserVersions>
  /**
   * Kills every token and session of everybody: one row, whatever the number of users.
   *
   * @param restored whether a backup was restored: then the epoch rises above any that was issued after the backup
   */
  everyone(restored?: boolean): Promise<void>
  /**
   * Kills every token that a signing key has signed and will ever sign. The caller marks the key's row
   * (tokens/revokeSigningKey.ts). The entry is never purged: whoever has the key can sign for ever.
   */
  key(kid: string): Promise<void>
}

export interface UserVersions {
  readonly tokenVersion: number
  readonly sessionVersion: number
}

/**
 * A new e-mail that was asked for dies with any session of the user: a token does not say which session has asked.
 * Otherwise a thief who was signed out could still take the account by the link that was sent to the thief's own address.
 */
const endEmailChanges = (of: SQL) => sql`
  update annul.one_time_tokens set ended_at = now() where id in (
    select id from annul.one_time_tokens
    where ${of} and purpose = 'change-email' and ended_at is null and expires_at > now()
    order by id for update)`

/** The kills of the caller's transaction. */
export function revokeWithin(tx: Queries): Revoke {
  const entries: Appended[] = []
  let xid: string | undefined
  const append = async (entry: Appended) => {
    const [row] = await tx
      .insert(revocations)
      .values(entry)
      .returning({
        xid: sql<string>`${revocations.xid}::text`,
        hint: sql`pg_notify(${revocationChannel}, ${revocations.xid}::text)::text`,
      })
    xid = row?.xid
    entries.push(entry)
  }

  return {
    entries,
    get xid() {
      return xid
    },

    async session(sessionId, reason) {
      const ended = await tx
        .update(sessions)
        .set({ endedAt: sql`now()`, endReason: reason })
        .where(and(eq(sessions.id, sessionId), isNull(sessions.endedAt)))
        .returning({ userId: sessions.userId })
      for (const { userId } of ended) {
        // Sent together, in one round trip.
        await Promise.all([
          tx.execute(endEmailChanges(sql`user_id = ${userId}`)),
          append({ kind: 'session', subject: sessionId, reason }),
        ])
      }
    },

    async user(userId, reason, what) {
      const [bumped] = await tx
        .update(users)
        .set({
          tokenVersion: sql`${users.tokenVersion} + 1`,
          tokenReason: reason,
          ...(what.sessions && { sessionVersion: sql`${users.sessionVersion} + 1`, sessionReason: reason }),
        })
        .where(eq(users.id, userId))
        .returning({ tokenVersion: users.tokenVersion, sessionVersion: users.sessionVersion })
      if (bumped === undefined) throw new Error('A user who was there under lock is gone.')
      if (what.sessions) await tx.execute(endEmailChanges(sql`user_id = ${userId}`))
      await append({ kind: 'user', subject: userId, minVersion: bumped.tokenVersion, reason })
      return bumped
    },

    async everyone(restored = false) {
      // Epochs rise by one a kill, more slowly than seconds: the time is above all that were issued after the backup.
      const least = restored ? sql`extract(epoch from clock_timestamp())::bigint` : sql`0`
      const [bumped] = await tx
        .update(epochs)
        .set({ epoch: sql`greatest(${epochs.epoch} + 1, ${least})` })
        .returning()
      if (bumped === undefined) throw new Error('The row of the epoch is missing.')
      await tx.execute(endEmailChanges(sql`true`))
      await append({ kind: 'everyone', minVersion: bumped.epoch, reason: 'EVERYTHING_REVOKED' })
    },

    key: kid => append({ kind: 'key', subject: kid, reason: 'KEY_REVOKED' }),
  }
}
