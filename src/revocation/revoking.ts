import type { Database, Queries } from '../database/open.ts'
import { openLog, type RevocationLog } from './log.ts'

/**
 * Runs the transaction of a verb that revokes. What it does to rows and what it appends to the log stand or fall
 * together.
 */
export async function revoking<T>(
  parts: { db: Database },
  work: (tx: Queries, log: RevocationLog) => Promise<T>,
): Promise<T> {
  return parts.db.transaction(tx => work(tx, openLog(tx)))
}
