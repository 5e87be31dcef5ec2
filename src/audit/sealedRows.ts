import { sql } from 'drizzle-orm'
import { type Database, rows } from '../database/open.ts'

/** An event as a seal covers it: the text of every column, in this order. */
export type SealedRow = readonly (string | null)[]

/** Every column of `audit_events`. The order is a part of the seals' format. */
export const sealedColumns = [
  ...['id', 'xid', 'at', 'kind', 'actor_id', 'user_id', 'session_id', 'ip_address', 'device', 'detail'],
] as const

const batchRows = 5000
/** Of a time the milliseconds since 1970: its text depends on the settings of a connection. */
const texts = sealedColumns.map(name =>
  name === 'at' ? '(extract(epoch from at) * 1000)::bigint::text as at' : `${name}::text as ${name}`,
)

/**
 * The events of an hour, by time and id. Each batch is a statement of its own, so that an hour of a million events
 * neither fills the memory nor meets a deadline.
 */
export async function* sealedRows(db: Database, hour: Date): AsyncGenerator<SealedRow> {
  let last: { at: string; id: string } | undefined
  for (;;) {
    const after =
      last &&
      sql`and (e.at, e.id) > (to_timestamp(${last.at}::float8 / 1000)::timestamptz(3), ${last.id}::bigint)`
    const batch = await rows<Record<(typeof sealedColumns)[number], string | null>>(
      db,
      sql`select ${sql.raw(texts.join())} from annul.audit_events as e
          where e.at >= ${hour.toISOString()}::timestamptz
            and e.at < ${hour.toISOString()}::timestamptz + interval '1 hour' ${after ?? sql``}
          order by e.at, e.id limit ${batchRows}`,
    )
    for (const row of batch) yield sealedColumns.map(name => row[name])
    const end = batch.at(-1)
    if (end === undefined || batch.length < batchRows) return
    last = { at: end.at ?? '', id: end.id ?? '' }
  }
}

/** The MAC of an hour's events, and their number. */
export async function macOf(
  db: Database,
  hour: Date,
  open: { add(row: SealedRow): void; mac(): Buffer },
): Promise<{ count: number; mac: Buffer }> {
  let count = 0
  for await (const row of sealedRows(db, hour)) {
    open.add(row)
    count++
  }
  return { count, mac: open.mac() }
}
