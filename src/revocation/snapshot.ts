/**
 * Whether a transaction had ended when a snapshot was taken: `pg_visible_in_snapshot(xid, snapshot)` of PostgreSQL.
 * Of a transaction that is known to have committed, it says whether the snapshot contains what it wrote.
 *
 * @param snapshot `xmin:xmax:running,…`: everything below xmin had ended, nothing from xmax on, of those between
 *   them all but the running ones
 */
export function isVisible(xid: string, snapshot: string): boolean {
  const [xmin = '', xmax = '', running = ''] = snapshot.split(':')
  const id = BigInt(xid)
  if (id < BigInt(xmin)) return true
  if (id >= BigInt(xmax)) return false
  return !running.split(',').includes(xid)
}
