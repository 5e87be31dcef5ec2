import { sql } from 'drizzle-orm'
import { rows } from '../database/open.ts'
import type { Parts } from '../parts.ts'

/** The log of revocations, for an operator who wants to see that revocations arrive. */
export interface RevocationLogSeen {
  /** Users and sessions that the answering node remembers. */
  readonly size: number
  /** Revocations of all nodes in each of the last 60 minutes, the oldest first. */
  readonly perMinute: number[]
  /** How long revoking mutations of the answering node have waited until every node knew, since it started. */
  readonly revokedOnAllNodes: { readonly upToMs: number | null; readonly count: number }[]
}

const minutes = 60

export async function readRevocationLog({
  db,
  metrics,
  revocation,
}: Pick<Parts, 'db' | 'metrics' | 'revocation'>): Promise<RevocationLogSeen> {
  const counts = await rows<{ ago: number; count: number }>(
    db,
    sql`
      select greatest(floor(extract(epoch from now() - revoked_at) / 60), 0)::int as ago, count(*)::int as count
      from annul.revocations where revoked_at > now() - make_interval(mins => ${minutes}) group by 1`,
  )
  const perMinute = Array<number>(minutes).fill(0)
  for (const { ago, count } of counts) if (ago < minutes) perMinute[minutes - 1 - ago] = count
  const { users, sessions } = revocation.view.size
  return { size: users + sessions, perMinute, revokedOnAllNodes: await metrics.waits() }
}
