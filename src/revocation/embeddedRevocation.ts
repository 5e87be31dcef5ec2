import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { type Database, rows } from '../database/open.ts'
import { storedReason } from '../errors.ts'
import type { OwnNode, RevocationService } from './createRevocation.ts'
import { type Revocation, RevocationView } from './view.ts'

/**
 * For the embedded database, which serves one process: no other node revokes, and transactions run one by one,
 * so they commit in the order of the log's ids. The view is fresh once it has read the log, and stays so because the
 * barrier, which every revoking verb awaits, reads what was appended since.
 */
export function embeddedRevocation(db: Database): RevocationService {
  const view = new RevocationView()
  const node: OwnNode = { id: randomUUID(), since: new Date() }
  let lastId = '0'
  let started = false
  let stopped = false

  const read = async () => {
    const found = await rows<LogRow>(
      db,
      sql`select id::text, kind, subject, min_version::float8 as "minVersion", reason,
                 (extract(epoch from revoked_at) * 1000)::float8 as "revokedAt"
          from annul.revocations where id > ${lastId}::bigint order by id`,
    )
    view.apply(found.map(revocation), Date.now())
    lastId = found.at(-1)?.id ?? lastId
  }

  return {
    view,
    isFresh: () => started,
    ageMs: () => (started ? 0 : undefined),
    node: () => node,
    databaseTime: () => Date.now(),
    async start() {
      await read()
      // It may have been stopped while it read.
      started = !stopped
    },
    async stop() {
      stopped = true
      started = false
    },
    async barrier() {
      await read()
      return 0
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
