import { sql } from 'drizzle-orm'
import { type Queries, rows } from '../database/open.ts'
import type { Parts } from '../parts.ts'

/** A verifier or mirror that follows this node. */
export interface FollowerSeen {
  /** A UUID. */
  readonly id: string
  readonly kind: 'VERIFIER' | 'MIRROR'
  /** The service's name. */
  readonly name: string
  /** How old its picture is; null: it has none. */
  readonly ageMs: number | null
  readonly leaseMs: number
  readonly since: Date
}

/**
 * Writes down who follows this node, in one statement, so that every node can list them (listNodes.ts). To be called every
 * few seconds: who is not written for 30 s is not listed, and removed after a minute.
 *
 * @param followers all of this node. One that has two connections may stand here twice: the younger picture counts
 */
export async function recordFollowers(
  db: Pick<Queries, 'execute'>,
  followers: readonly FollowerSeen[],
): Promise<void> {
  if (followers.length === 0) return
  // Rows are locked in the order of their ids: one that moves between nodes is written by both.
  await rows(
    db,
    sql`
      insert into annul.followers as f (id, kind, name, age_ms, lease_ms, since, seen_at)
      select distinct on (id) id, kind, name, "ageMs", "leaseMs", since, now()
      from json_to_recordset(${JSON.stringify(followers)}::text::json)
        as seen (id uuid, kind text, name text, "ageMs" float8, "leaseMs" integer, since timestamptz)
      order by id, "ageMs" nulls last
      on conflict (id) do update set kind = excluded.kind, name = excluded.name, age_ms = excluded.age_ms,
        lease_ms = excluded.lease_ms, since = excluded.since, seen_at = excluded.seen_at`,
  )
}

const everyMs = 5000

/**
 * Writes down every few seconds who follows this node.
 *
 * @returns a function that ends it
 */
export function keepRecordingFollowers({
  config,
  db,
  revocation,
}: Pick<Parts, 'config' | 'db' | 'revocation'>): () => void {
  let isWriting = false
  const record = async () => {
    if (isWriting) return
    isWriting = true
    const followers = revocation.feed
      .list()
      .map(({ ageMs = null, ...follower }) => ({ ...follower, ageMs, leaseMs: config.leaseMs }))
    // No promise depends on the rows: during an outage they grow old, and are left out of the list.
    await recordFollowers(db, followers).catch(() => {})
    isWriting = false
  }
  const timer = setInterval(record, everyMs).unref()
  return () => clearInterval(timer)
}
