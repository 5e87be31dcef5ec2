import { sql } from 'drizzle-orm'
import { type Database, oneRow, rows } from '../database/open.ts'
import { macOf } from './sealedRows.ts'
import { type SealKey, sealBytes, sealKey } from './sealKey.ts'

/** What was sealed in a round. */
export interface SealedHours {
  readonly hours: number
  /** The last seal, in hexadecimal: noted elsewhere, it shows later whether the chain was cut off before it. */
  readonly last: { readonly hour: Date; readonly seal: string } | undefined
}

/**
 * How long after its end an hour is sealed at the earliest, in seconds. An event has the time at which its transaction
 * began, and a transaction lasts 30 s at most (revocation/fence.ts).
 */
const marginSeconds = 300

/**
 * Seals every hour whose events are complete, the oldest first. Hours without events have no seal.
 *
 * Nodes take turns by a lock. An hour is read in several transactions, so two nodes may read one hour at a time: then
 * the seal of the second one is not stored.
 *
 * @param secret ANNUL_SECRET
 */
export async function sealHours(db: Database, secret: Uint8Array): Promise<SealedHours> {
  const key = sealKey(secret)
  let last: SealedHours['last']
  for (let hours = 0; ; hours++) {
    const next = await nextHour(db)
    const seal = next && (await sealHour(db, key, next))
    if (next === undefined || seal === undefined) return { hours, last }
    last = { hour: next.hour, seal }
  }
}

interface NextHour {
  readonly hour: Date
  /** The last seal, in hexadecimal; null: this is the first one. */
  readonly former: string | null
}

interface NextRow {
  /** Milliseconds since 1970. */
  readonly hour: number | null
  readonly former: string | null
  readonly over: boolean | null
  readonly open: boolean
}

const isMine = sql`pg_try_advisory_xact_lock(hashtext('annul.audit_seals'))`

/**
 * The first hour after the last seal that has events, if all of its transactions have ended. A transaction that appended
 * an event holds its lock on the table until it ends. Where its beginning is not shown to this role, it may have begun
 * in the hour.
 */
function nextHour(db: Database): Promise<NextHour | undefined> {
  return db.transaction(async tx => {
    const { mine } = await oneRow<{ mine: boolean }>(tx, sql`select ${isMine} as mine`)
    if (!mine) return undefined
    const next = await oneRow<NextRow>(
      tx,
      sql`select (extract(epoch from n.hour) * 1000)::float8 as hour, encode(s.mac, 'hex') as former,
            n.hour + interval '1 hour' + make_interval(secs => ${marginSeconds}) <= now() as over,
            exists (
              select from pg_locks l left join pg_stat_activity a on a.pid = l.pid
              where l.relation = 'annul.audit_events'::regclass and l.mode = 'RowExclusiveLock'
                and l.database = (select oid from pg_database where datname = current_database())
                and coalesce(a.xact_start, '-infinity') < n.hour + interval '1 hour') as open
          from (select 1) as one
          left join lateral (select hour, mac from annul.audit_seals order by hour desc limit 1) as s on true
          cross join lateral (
            select date_trunc('hour', min(at), 'UTC') as hour from annul.audit_events
            where at >= coalesce(s.hour + interval '1 hour', '-infinity')) as n`,
    )
    if (next.hour === null || !next.over || next.open) return undefined
    return { hour: new Date(next.hour), former: next.former }
  })
}

/** @returns the seal; undefined: another node has sealed meanwhile */
async function sealHour(db: Database, key: SealKey, { hour, former }: NextHour): Promise<string | undefined> {
  // Begun after the locks were looked at: the events of every transaction that had ended are visible.
  const { count, mac } = await macOf(db, hour, key.openHour(hour))
  const formerBytes = former === null ? undefined : Buffer.from(former, 'hex')
  const chain = key.chain(formerBytes, hour, count, mac)
  const seal = sealBytes({ keyId: key.id, events: mac, chain }).toString('hex')
  return db.transaction(async tx => {
    const [stored] = await rows(
      tx,
      sql`insert into annul.audit_seals (hour, events, mac)
          select ${hour.toISOString()}::timestamptz, ${count}::int, decode(${seal}, 'hex')
          where ${isMine} and (select encode(mac, 'hex') from annul.audit_seals order by hour desc limit 1)
            is not distinct from ${former}::text
          on conflict do nothing returning 1`,
    )
    return stored === undefined ? undefined : seal
  })
}
