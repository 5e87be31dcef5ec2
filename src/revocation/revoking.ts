import type { Queries } from '../database/open.ts'
import { type Transacting, transact } from '../database/transact.ts'
import { AuthError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { inChildSpan } from '../tracing.ts'
import type { RevocationService } from './createRevocation.ts'
import type { Fences } from './drain.ts'
import { type Fenced, fence, type Subject } from './fence.ts'
import { type Revoke, revokeWithin } from './log.ts'

interface Waiting {
  readonly revocation: Pick<RevocationService, 'barrier'>
  readonly fences: Fences
  readonly metrics?: Pick<Metrics, 'waited'>
}

/** Told how long the wait took, in milliseconds. */
interface Told {
  revoked(waitedMs: number): void
}

/**
 * Runs the transaction of a verb that revokes. Returns when no node accepts the tokens that the transaction killed, and
 * when nothing that they asked for can commit any more. The wait is the same where the transaction found nothing left
 * to do, or was refused: a kill by another transaction a moment ago may not have reached every node yet.
 *
 * `work` signs the tokens that it issues before its transaction commits: after the wait, the versions that it read may
 * be too old to sign.
 *
 * @param visitor told how long the wait was; null on the command line
 * @param subject what the transaction is about to kill; its further kills are found in its entries of the log
 */
export async function revoking<T>(
  parts: Waiting & Transacting,
  visitor: Told | null,
  subject: Subject,
  work: (tx: Queries, revoke: Revoke) => Promise<T>,
): Promise<T> {
  const { result, revoke } = await transact(parts, async tx => {
    const revoke = revokeWithin(tx)
    const result = await work(tx, revoke)
    return { result, revoke }
  }).catch(async error => {
    // The cause may be another kill of a moment ago. A refusal, too, says that no node accepts what was killed.
    if (error instanceof AuthError) await untilRevoked(parts, visitor, [subject])
    throw error
  })
  await untilRevoked(parts, visitor, [subject], revoke)
  return result
}

/** As `revoking`, for a viewer: behind a fence. `viewer` is null on the command line, whose operator needs none. */
export function revokingAs<T>(
  parts: Waiting & Transacting,
  viewer: (Fenced & Told) | null,
  subject: Subject,
  work: (tx: Queries, revoke: Revoke) => Promise<T>,
): Promise<T> {
  return revoking(parts, viewer, subject, async (tx, revoke) => {
    if (viewer !== null) await fence(tx, viewer)
    return work(tx, revoke)
  })
}

/**
 * Waits until no node accepts a token that was revoked before, by this or by another transaction, and nothing that the
 * token asked for can commit any more.
 */
export async function untilRevoked(
  parts: Waiting,
  visitor: Told | null,
  subjects: readonly Subject[],
  revoke?: Pick<Revoke, 'xid' | 'entries'>,
): Promise<void> {
  const waits = await inChildSpan(
    () => ['annul.barrier', {}],
    () =>
      Promise.all([
        parts.revocation.barrier(revoke?.xid, revoke?.entries),
        parts.fences.drained(distinct([...subjects, ...(revoke?.entries ?? [])])),
      ]),
  )
  const waitedMs = Math.max(...waits)
  parts.metrics?.waited(waitedMs / 1000)
  visitor?.revoked(waitedMs)
}

function distinct(subjects: readonly Subject[]): Subject[] {
  return [...new Map(subjects.map(each => [`${each.kind} ${each.subject}`, each])).values()]
}
