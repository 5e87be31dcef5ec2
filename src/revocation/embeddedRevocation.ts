import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Config } from '../config.ts'
import { type Database, rows } from '../database/open.ts'
import { storedReason } from '../errors.ts'
import { type Clock, clockRate, systemClock } from './clock.ts'
import type { OwnNode, RevocationService } from './createRevocation.ts'
import { Feed } from './feed.ts'
import { type Revocation, RevocationView } from './view.ts'

/**
 * For the embedded database, which serves one process: no other node revokes, and transactions run one by one,
 * so they commit in the order of the log's ids. The view is fresh once it has read the log, and stays so because the
 * barrier, which every revoking verb awaits, reads what was appended since.
 *
 * Verifiers may follow the process. No row of a node shows a barrier how far they are, so the barrier waits for them
 * itself. A process that starts knows nothing of those that followed the process before it, which may still be fresh. So
 * a row of `nodes` keeps the lease, from the first verifier to a clean stop, and where a start finds one, barriers wait
 * in full for that lease.
 */
export function embeddedRevocation(
  db: Pick<Database, 'execute'>,
  { leaseMs, feedAckMs: ackMs }: Pick<Config, 'leaseMs' | 'feedAckMs'>,
  clock: Clock = systemClock,
): RevocationService {
  const view = new RevocationView()
  const startedAt = clock.monotonic()
  let formerLeaseMs = 0
  let starting: Promise<void> | undefined
  const node: OwnNode = { id: randomUUID(), since: new Date() }
  let lastId = '0'
  let started = false
  let stopped = false

  const picture = { ageMs: () => (started ? 0 : undefined), databaseTime: () => clock.wall() }
  const prepare = async () => {
    await rows(
      db,
      sql`insert into annul.nodes (id, lease_ms) values (${node.id}, ${leaseMs}) on conflict do nothing`,
    )
  }
  const feed = new Feed({ view, clock, leaseMs, ackMs, picture, prepare })

  const read = async () => {
    const found = await rows<LogRow>(
      db,
      sql`select id::text, kind, subject, min_version::float8 as "minVersion", reason,
                 (extract(epoch from revoked_at) * 1000)::float8 as "revokedAt"
          from annul.revocations where id > ${lastId}::bigint order by id`,
    )
    view.apply(found.map(revocation), clock.wall())
    lastId = found.at(-1)?.id ?? lastId
  }

  const start = async () => {
    const found = await rows<{ leaseMs: number }>(db, sql`select lease_ms as "leaseMs" from annul.nodes`)
    formerLeaseMs = Math.max(0, ...found.map(former => former.leaseMs))
    await read()
    // It may have been stopped while it read.
    started = !stopped
  }

  /** How long a verifier of the process before this one may still be fresh, in milliseconds. */
  const formerRestMs = () => startedAt + formerLeaseMs * clockRate - clock.monotonic()

  return {
    view,
    feed,
    isFresh: () => started,
    ageMs: picture.ageMs,
    node: () => node,
    databaseTime: picture.databaseTime,
    start() {
      starting ??= start()
      return starting
    },
    async stop() {
      stopped = true
      started = false
      await feed.close()
      if (formerRestMs() <= 0) await rows(db, sql`delete from annul.nodes`)
    },
    async barrier() {
      await starting
      await read()
      const rest = formerRestMs()
      if (feed.hasPassed(feed.position) && rest <= 0) return 0
      const since = clock.monotonic()
      await new Promise<void>(resolve => feed.whenPassed(feed.position, resolve))
      if (rest > 0) await new Promise<void>(resolve => clock.after(rest, resolve))
      return clock.monotonic() - since
    },
  }
}

interface LogRow {
  id: string
  kind: Revocation['kind']
  subject: string | null
  minVersion: number | null
  reason: string
  revokedAt: number
}

function revocation(row: LogRow): Revocation {
  return {
    kind: row.kind,
    ...(row.subject !== null && { subject: row.subject }),
    ...(row.minVersion !== null && { minVersion: row.minVersion }),
    reason: storedReason(row.reason),
    revokedAt: row.revokedAt,
  }
}
