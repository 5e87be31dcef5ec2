import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKeys } from './secret.ts'

/**
 * How far a list of events was read. Of the events from `id` on, those that were visible in `snapshot` were listed:
 * what commits later with such an id is still to come.
 */
export interface ListPosition {
  readonly id: string
  /** `pg_current_snapshot()` of the page. */
  readonly snapshot: string
  /** The highest id of the first page, and when that page was read, in seconds since 1970. */
  readonly top: string
  readonly readAt: string
  /** In the midst of late events: of those that were visible in `snapshot`, the ones from `id` on were listed. */
  readonly late?: { readonly id: string; readonly snapshot: string } | undefined
}

export interface AuditCursors {
  /** @param list names the list and its filters: a cursor is of no use for another one */
  write(list: string, position: ListPosition): string
  /** undefined: it is not a cursor that Annul made for this list */
  read(list: string, cursor: string): ListPosition | undefined
}

const macBytes = 16

/**
 * Cursor = base64url( MAC | position ). The position is authenticated, because a forged snapshot could make a page read
 * any number of events. The MAC covers the list as well.
 *
 * @param secret ANNUL_SECRET
 * @param previous a secret whose cursors are accepted, too (ANNUL_SECRET_PREVIOUS)
 */
export function auditCursors(secret: Uint8Array, previous?: Uint8Array): AuditCursors {
  const keys = deriveKeys(secret, previous, 'audit cursors v1')
  const mac = (key: Buffer, list: string, text: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([list, text]))
      .digest()
      .subarray(0, macBytes)

  return {
    write(list, { id, snapshot, top, readAt, late }) {
      const text = [id, snapshot, top, readAt, ...(late ? [late.id, late.snapshot] : [])].join(' ')
      return Buffer.concat([mac(keys[0], list, text), Buffer.from(text)]).toString('base64url')
    },

    read(list, cursor) {
      const bytes = Buffer.from(cursor, 'base64url')
      // Only the canonical spelling: one place has one cursor.
      if (bytes.length <= macBytes || bytes.toString('base64url') !== cursor) return undefined
      const text = bytes.subarray(macBytes).toString()
      const sent = bytes.subarray(0, macBytes)
      if (!keys.some(key => timingSafeEqual(mac(key, list, text), sent))) return undefined
      const [id = '', snapshot = '', top = '', readAt = '', lateId, lateSnapshot] = text.split(' ')
      const late =
        lateId === undefined || lateSnapshot === undefined
          ? undefined
          : { id: lateId, snapshot: lateSnapshot }
      return { id, snapshot, top, readAt, late }
    },
  }
}
