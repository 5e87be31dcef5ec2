import type { Database, Queries } from '../database/open.ts'
import { AuthError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { RevocationService } from './createRevocation.ts'
import { type Appended, openLog, type RevocationLog } from './log.ts'

interface Waiting {
  revocation: Pick<RevocationService, 'barrier'>
  metrics?: Pick<Metrics, 'waited'>
}

/** Told how long it took, in milliseconds. */
interface Told {
  revoked(waitedMs: number): void
}

/**
 * Runs the transaction of a verb that revokes, and answers when no node accepts what it killed. Also where it found
 * nothing left to do, or was refused: what another has killed a moment ago may not have reached every node yet.
 *
 * What `work` issues, it signs before its transaction commits: the wait may be longer than versions are good for.
 */
export async function revoking<T>(
  parts: Waiting & { db: Database },
  visitor: Told | null,
  work: (tx: Queries, log: RevocationLog) => Promise<T>,
): Promise<T> {
  const { result, log } = await parts.db
    .transaction(async tx => {
      const log = openLog(tx)
      const result = await work(tx, log)
      return { result, log }
    })
    .catch(async error => {
      // Refused because of what has just died, perhaps: that answer too is a promise.
      if (error instanceof AuthError) await untilRevoked(parts, visitor)
      throw error
    })
  await untilRevoked(parts, visitor, log.xid, log.entries)
  return result
}

/** Waits until no node accepts what was revoked before, by this or by another transaction, and tells how long. */
export async function untilRevoked(
  parts: Waiting,
  visitor: Told | null,
  xid?: string,
  own?: readonly Appended[],
): Promise<void> {
  const waitedMs = await parts.revocation.barrier(xid, own)
  parts.metrics?.waited(waitedMs / 1000)
  visitor?.revoked(waitedMs)
}
