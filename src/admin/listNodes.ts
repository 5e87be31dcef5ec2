import { sql } from 'drizzle-orm'
import { rows } from '../database/open.ts'
import type { Parts } from '../parts.ts'

/** A process that accepts tokens, as it is listed. */
export interface NodeSeen {
  readonly id: string
  readonly kind: 'AUTH' | 'VERIFIER' | 'MIRROR'
  /** The service's name; null for an auth node. */
  readonly name: string | null
  /** How old its picture of the log is, in milliseconds; null where that is not known here, or it has none. */
  readonly ageMs: number | null
  readonly leaseMs: number
  readonly since: Date
}

/** More than a fleet has. */
const most = 10_000

/**
 * Who follows the log now: the auth nodes, the oldest first, and then their verifiers and mirrors. A row of `nodes` does
 * not tell how old that node's picture is: each node knows its own age alone.
 */
export async function listNodes({
  config,
  db,
  revocation,
}: Pick<Parts, 'config' | 'db' | 'revocation'>): Promise<readonly NodeSeen[]> {
  const found = await rows<Omit<NodeSeen, 'since'> & { since: number }>(
    db,
    sql`
      select id::text, kind, name, "ageMs", "leaseMs", (extract(epoch from since) * 1000)::float8 as since from (
        select id, 'AUTH' as kind, null as name, null::float8 as "ageMs", lease_ms as "leaseMs", joined_at as since, 1 as place
        from annul.nodes
        union all
        select id, kind, name, age_ms, lease_ms, since, 2 from annul.followers where seen_at > now() - interval '30 seconds'
      ) as seen order by place, since, id limit ${most}`,
  )
  const own = revocation.node()
  const ageMs = revocation.ageMs() ?? null
  const nodes = found.map((row): NodeSeen => {
    const node = { ...row, since: new Date(row.since) }
    return row.id === own?.id ? { ...node, ageMs } : node
  })
  // The embedded database serves this process alone, which has no row.
  if (own?.since !== undefined)
    nodes.unshift({
      ...{ id: own.id, kind: 'AUTH', name: null },
      ageMs,
      leaseMs: config.leaseMs,
      since: own.since,
    })
  return nodes
}
