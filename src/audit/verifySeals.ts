import { timingSafeEqual } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { type Database, oneRow, rows } from '../database/open.ts'
import { macOf } from './sealedRows.ts'
import { readSeal, type Seal, type SealKey, sealKey } from './sealKey.ts'

/** What was checked, and the first thing that is wrong. */
export interface Verification {
  /** The hours whose seals hold, up to the first broken one; those that were purged are among them. */
  readonly hours: number
  readonly events: number
  readonly purgedHours: number
  /** The last seal that holds, in hexadecimal. */
  readonly last: { readonly hour: Date; readonly seal: string } | undefined
  /** Whether a seal that holds is the expected one. */
  readonly foundExpected: boolean
  readonly broken: { readonly hour: Date; readonly problem: string } | undefined
  /** Events after the last seal. */
  readonly unsealed: number
  /** Those that a running server would have sealed. */
  readonly overdue: number
}

interface SealRow {
  readonly hour: Date
  readonly count: number
  readonly bytes: Buffer
  readonly purgedAt: Date | null
}

const batchSeals = 1000
const hourMs = 3_600_000
/** A server seals an hour some minutes after its end, and looks every 75 s. */
const overdueHours = 2

/**
 * Checks every seal against the seal before and against the events of its hour, from the first to the last, and stops
 * at the first hour that is broken. Changes nothing, and may run beside servers.
 *
 * @param options.secret ANNUL_SECRET
 * @param options.previous ANNUL_SECRET_PREVIOUS: hours that were sealed before the secret changed are checked by it
 * @param options.auditDays an hour that was purged sooner counts as removed
 * @param options.expected a seal that an earlier run has told, in hexadecimal
 */
export async function verifySeals(
  db: Database,
  {
    secret,
    previous,
    auditDays,
    expected,
  }: {
    secret: Uint8Array
    previous?: Uint8Array | undefined
    auditDays: number
    expected?: string | undefined
  },
): Promise<Verification> {
  const keys = [secret, ...(previous === undefined ? [] : [previous])].map(sealKey)
  const due: PurgeDue = { auditDays, now: await databaseNow(db) }
  let [hours, events, purgedHours, foundExpected] = [0, 0, 0, false]
  let last: SealRow | undefined
  let broken: Verification['broken']
  for await (const row of allSeals(db)) {
    const problem = (await checkGap(db, last, row)) ?? (await checkSeal(db, keys, last, row, due))
    if (problem !== undefined) {
      broken = problem
      break
    }
    hours++
    if (row.purgedAt === null) events += row.count
    else purgedHours++
    foundExpected ||= row.bytes.toString('hex') === expected
    last = row
  }
  const { unsealed, overdue } = await countUnsealed(db)
  const lastSeal = last && { hour: last.hour, seal: last.bytes.toString('hex') }
  return { hours, events, purgedHours, last: lastSeal, foundExpected, broken, unsealed, overdue }
}

async function* allSeals(db: Database): AsyncGenerator<SealRow> {
  let after = sql`'-infinity'::timestamptz`
  for (;;) {
    const batch = await readSeals(db, sql`hour > ${after} order by hour limit ${batchSeals}`)
    yield* batch
    const end = batch.at(-1)
    if (end === undefined) return
    after = sql`${end.hour.toISOString()}::timestamptz`
  }
}

async function readSeals(db: Database, condition: ReturnType<typeof sql>): Promise<SealRow[]> {
  const found = await rows<{ hour: number; events: number; mac: string; purged: number | null }>(
    db,
    sql`select (extract(epoch from hour) * 1000)::float8 as hour, events, encode(mac, 'hex') as mac,
          (extract(epoch from purged_at) * 1000)::float8 as purged
        from annul.audit_seals where ${condition}`,
  )
  return found.map(({ hour, events, mac, purged }) => ({
    hour: new Date(hour),
    count: events,
    bytes: Buffer.from(mac, 'hex'),
    purgedAt: purged === null ? null : new Date(purged),
  }))
}

/** Between two seals there is no event. */
async function checkGap(
  db: Database,
  former: SealRow | undefined,
  { hour }: SealRow,
): Promise<Verification['broken']> {
  const from = former && new Date(former.hour.getTime() + hourMs)
  if (from?.getTime() === hour.getTime()) return undefined
  const since = from === undefined ? sql`true` : sql`at >= ${from.toISOString()}::timestamptz`
  const { first, count } = await oneRow<{ first: number | null; count: number }>(
    db,
    sql`select (extract(epoch from date_trunc('hour', min(at), 'UTC')) * 1000)::float8 as first, count(*)::int as count
        from annul.audit_events where ${since} and at < ${hour.toISOString()}::timestamptz`,
  )
  if (first === null) return undefined
  const problem = `no seal, although a later hour has one, and ${events(count)}: the seal was removed, or events were added`
  return { hour: new Date(first), problem }
}

async function checkSeal(
  db: Database,
  keys: readonly SealKey[],
  former: SealRow | undefined,
  row: SealRow,
  due: PurgeDue,
): Promise<Verification['broken']> {
  const { hour, count } = row
  const broken = (problem: string) => ({ hour, problem })
  const seal = readSeal(row.bytes)
  if (seal === undefined) return broken('the seal was changed: it is no seal of this version')
  const key = keys.find(({ id }) => id.equals(seal.keyId))
  if (key === undefined)
    return broken(
      'the seal was made with another ANNUL_SECRET, or was changed. Check it with the secret that was set then',
    )
  if (!timingSafeEqual(key.chain(former?.bytes, hour, count, seal.events), seal.chain))
    return broken(
      'the chain is broken: this seal was changed, or a seal before it was removed, added or changed',
    )

  // The purge may have come to the hour while this check ran.
  const purgedAt = row.purgedAt ?? undefined
  if (purgedAt !== undefined) return checkPurge(row, purgedAt, due)
  const problem = await compareEvents(db, key, row, seal)
  if (problem === undefined) return undefined
  const [again] = await readSeals(db, sql`hour = ${hour.toISOString()}::timestamptz`)
  return again?.purgedAt ? checkPurge(row, again.purgedAt, due) : broken(problem)
}

async function compareEvents(
  db: Database,
  key: SealKey,
  { hour, count }: SealRow,
  seal: Seal,
): Promise<string | undefined> {
  const present = await macOf(db, hour, key.openHour(hour))
  if (present.count < count) return `${count - present.count} of ${events(count)} were removed`
  if (present.count > count)
    return `${present.count - count} more than the ${events(count)} that were sealed: added`
  if (!timingSafeEqual(present.mac, seal.events))
    return `of ${events(count)} at least one was changed or replaced`
  return undefined
}

/** When a purge is in time. */
interface PurgeDue {
  readonly auditDays: number
  /** Milliseconds since 1970, by the database's clock. */
  readonly now: number
}

/** The time of a purge is not sealed, so the hour itself must be old enough as well. */
function checkPurge(
  { hour, count }: SealRow,
  purgedAt: Date,
  { auditDays, now }: PurgeDue,
): Verification['broken'] {
  // A day of the database has 23 hours where its time zone loses one.
  const due = hour.getTime() + auditDays * 24 * hourMs
  if (Math.min(purgedAt.getTime(), now) >= due) return undefined
  return { hour, problem: `${events(count)} were removed before ANNUL_AUDIT_DAYS (${auditDays}) were over` }
}

async function databaseNow(db: Database): Promise<number> {
  const { now } = await oneRow<{ now: number }>(
    db,
    sql`select (extract(epoch from now()) * 1000)::float8 as now`,
  )
  return now
}

function countUnsealed(db: Database): Promise<{ unsealed: number; overdue: number }> {
  return oneRow(
    db,
    sql`select count(*)::int as unsealed,
          (count(*) filter (where at < now() - make_interval(hours => ${overdueHours})))::int as overdue
        from annul.audit_events
        where at >= coalesce((select max(hour) + interval '1 hour' from annul.audit_seals), '-infinity')`,
  )
}

export function events(count: number): string {
  return count === 1 ? '1 event' : `${count} events`
}
