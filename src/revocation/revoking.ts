import { sql } from 'drizzle-orm'
import { type Database, oneRow, type Queries } from '../database/open.ts'
import type { Metrics } from '../metrics.ts'
import { openLog, type RevocationLog } from './log.ts'
import type { RevocationService } from './revocation.ts'

/**
 * Runs the transaction of a verb that revokes, and returns when no node accepts what it killed. Also where it found
 * nothing left to do: what another has killed a moment ago may not have reached every node yet.
 *
 * What `work` issues, it signs before its transaction commits: the wait may be longer than versions are good for.
 */
export async function revoking<T>(
  parts: { db: Database; revocation: Pick<RevocationService, 'barrier'>; metrics?: Pick<Metrics, 'waited'> },
  visitor: { revoked(waitedMs: number): void } | null,
  work: (tx: Queries, log: RevocationLog) => Promise<T>,
): Promise<T> {
  const { result, xid, entries } = await parts.db.transaction(async tx => {
    const log = openLog(tx)
    const result = await work(tx, log)
    return { result, entries: log.entries, xid: log.entries.length > 0 ? await transactionId(tx) : undefined }
  })
  const waitedMs = await parts.revocation.barrier(xid, entries)
  parts.metrics?.waited(waitedMs / 1000)
  visitor?.revoked(waitedMs)
  return result
}

async function transactionId(tx: Queries): Promise<string> {
  return (await oneRow<{ xid: string }>(tx, sql`select pg_current_xact_id()::text as xid`)).xid
}
