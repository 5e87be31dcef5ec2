import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it, jest } from '@jest/globals'
import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { sealedColumns } from '../../src/audit/sealedRows.ts'
import { sealHours } from '../../src/audit/sealHours.ts'
import { sealKey } from '../../src/audit/sealKey.ts'
import { verifySeals } from '../../src/audit/verifySeals.ts'
import { auditEvents } from '../../src/database/tables.ts'
import { startHousekeeping } from '../../src/housekeeping.ts'
import { asOwner, emptyAudit } from '../support/auditTables.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

// The machine may have other things to do.
jest.setTimeout(120_000)

const onlyPostgres = onPostgres ? it : it.skip

const server = useServer()
const secretOf = () => Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64')
const seal = (secret = secretOf()) => sealHours(server.auth.parts.db, secret)
const verify = (options: { secret?: Uint8Array; expected?: string; auditDays?: number } = {}) =>
  verifySeals(server.auth.parts.db, { secret: secretOf(), auditDays: 400, ...options })

/** The beginning of the hour in which a test began: a new hour may begin while it runs. */
let thisHour = ''
/** The beginning of the hour that many hours ago. */
const hour = (ago: number) => sql`${thisHour}::timestamptz - make_interval(hours => ${ago}::int)`
const append = (ago: number, count: number) =>
  server.rows(sql`insert into annul.audit_events (kind, at, actor_id, user_id, session_id, ip_address, device, detail)
    select 'login', ${hour(ago)} + n * interval '1 minute', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
      '127.0.0.1', 'Firefox', 'event ' || n from generate_series(1, ${count}) n`)
const hourAgo = async (ago: number) => {
  const [row] = await server.rows<{ ms: number }>(
    sql`select (extract(epoch from ${hour(ago)}) * 1000)::float8 as ms`,
  )
  return new Date(row?.ms ?? 0)
}
const seals = () =>
  server.rows<{ ago: number; events: number }>(sql`
    select (extract(epoch from ${hour(0)} - hour) / 3600)::int as ago, events from annul.audit_seals order by hour`)

beforeEach(async () => {
  const [row] = await server.rows<{ now: string }>(sql`select date_trunc('hour', now(), 'UTC')::text as now`)
  thisHour = row?.now ?? ''
  await emptyAudit(server)
})

describe('an hour', () => {
  it('is sealed when it is over, each once; one without events has no seal, and the next one follows the last', async () => {
    for (const [ago, count] of [
      [6, 2],
      [5, 3],
      [3, 4],
      [0, 1],
    ] as const)
      await append(ago, count)
    const { hours, last } = await seal()
    expect(hours).toBe(3)
    expect(await seals()).toEqual([
      { ago: 6, events: 2 },
      { ago: 5, events: 3 },
      { ago: 3, events: 4 },
    ])
    expect(await seal()).toEqual({ hours: 0, last: undefined })
    expect(await verify({ expected: last?.seal ?? '' })).toEqual({
      ...{ hours: 3, events: 9, purgedHours: 0, foundExpected: true, broken: undefined },
      ...{ last: { hour: await hourAgo(3), seal: last?.seal }, unsealed: expect.any(Number), overdue: 0 },
    })
  })

  it('is sealed by a running node, by itself, which writes the seal into its log', async () => {
    await append(4, 1)
    const told: unknown[] = []
    const log = { ...server.auth.parts.log, info: (...line: unknown[]) => void told.push(line) }
    const stop = startHousekeeping({ ...server.auth.parts, log }, error => told.push(error), 20)
    expect(await until(seals, ({ length }) => length === 1)).toEqual([{ ago: 4, events: 1 }])
    await until(() => told.length > 0)
    stop()
    const { last } = await verify()
    expect(told).toEqual([[{ hours: 1, ...last }, 'Hours of the audit were sealed.']])
  })

  it('is sealed once by several nodes that come at the same time', async () => {
    for (const ago of [9, 8, 7, 6]) await append(ago, 50)
    await Promise.all([seal(), seal(), seal(), seal()])
    // Whoever finds another one at work leaves the rest to the next round, also to one that the test before has begun.
    const sealed = async () => {
      await seal()
      return seals()
    }
    const all = await until(sealed, ({ length }) => length === 4)
    expect(all.map(({ events }) => events)).toEqual([50, 50, 50, 50])
    expect(await verify()).toMatchObject({ hours: 4, events: 200, broken: undefined })
  })

  it('of more events than a statement reads, many of one instant, is sealed as a whole', async () => {
    await server.rows(sql`insert into annul.audit_events (kind, at)
      select 'login', ${hour(3)} + (n % 3) * interval '1 second' from generate_series(1, 12345) n`)
    await seal()
    expect(await seals()).toEqual([{ ago: 3, events: 12_345 }])
    await asOwner(
      server,
      sql`delete from annul.audit_events where id = (select max(id) from annul.audit_events)`,
    )
    expect((await verify()).broken?.problem).toBe('1 of 12345 events were removed')
  })

  onlyPostgres('waits for transactions that may have begun in it', async () => {
    await append(3, 1)
    const client = postgres(server.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
    // To another role PostgreSQL does not show when the transaction began.
    const role = `sealer_${randomBytes(4).toString('hex')}`
    await client.unsafe(`create role ${role} login password 'x'; grant usage on schema annul to ${role};
      grant select, insert on all tables in schema annul to ${role}`)
    const url = new URL(server.env.DATABASE_URL ?? '')
    url.username = role
    url.password = 'x'
    const other = postgres(url.href, { max: 1, onnotice: () => {} })
    await client.unsafe(`begin; insert into annul.audit_events (kind) values ('login')`)
    expect((await sealHours(drizzle(other), secretOf())).hours).toBe(0)
    // It is shown to the server, and began after the hour.
    expect((await seal()).hours).toBe(1)

    await append(2, 1)
    expect((await sealHours(drizzle(other), secretOf())).hours).toBe(0)
    await client.unsafe('rollback')
    expect((await sealHours(drizzle(other), secretOf())).hours).toBe(1)
    expect((await verify()).broken).toBeUndefined()
    await other.end()
    await client.end()
  })

  it('is covered with every column', () => {
    expect([...sealedColumns].sort()).toEqual(
      Object.values(getTableColumns(auditEvents))
        .map(({ name }) => name)
        .sort(),
    )
  })
})

/* Three hours with three events each, by somebody who owns the tables and does not know the secret. */
describe('it shows when somebody', () => {
  let lastSeal: string
  beforeEach(async () => {
    for (const ago of [7, 6, 4]) await append(ago, 3)
    lastSeal = (await seal()).last?.seal ?? ''
  })
  const eventOf = (ago: number) =>
    sql`id = (select min(id) from annul.audit_events where at >= ${hour(ago)} and at < ${hour(ago - 1)})`
  const attack = (...statements: SQL[]) => asOwner(server, ...statements)
  const brokenAt = async (ago: number, problem: string | RegExp) =>
    expect((await verify()).broken).toEqual({
      hour: await hourAgo(ago),
      problem: typeof problem === 'string' ? problem : expect.stringMatching(problem),
    })
  const chain =
    'the chain is broken: this seal was changed, or a seal before it was removed, added or changed'
  const noSeal = (count: string) =>
    `no seal, although a later hour has one, and ${count}: the seal was removed, or events were added`

  it.each([
    'id = id + 1000000',
    "xid = '1'",
    "at = at + interval '1 millisecond'",
    "kind = 'logout'",
    'actor_id = gen_random_uuid()',
    'actor_id = null',
    'user_id = gen_random_uuid()',
    'session_id = gen_random_uuid()',
    "ip_address = '127.0.0.2'",
    "ip_address = '127.0.0.1/8'",
    "device = 'Safari'",
    "detail = ''",
    'detail = null',
    'device = detail, detail = device',
  ])('changes an event: %s', async change => {
    await attack(sql`update annul.audit_events set ${sql.raw(change)} where ${eventOf(6)}`)
    await brokenAt(6, 'of 3 events at least one was changed or replaced')
    expect(await verify()).toMatchObject({ hours: 1, events: 3 })
  })

  it('removes an event, and replaces one', async () => {
    await attack(sql`delete from annul.audit_events where ${eventOf(6)}`)
    await brokenAt(6, '1 of 3 events were removed')
    await append(6, 1)
    await brokenAt(6, 'of 3 events at least one was changed or replaced')
  })

  it('moves an event to another hour', async () => {
    await attack(sql`update annul.audit_events set at = at + interval '1 hour' where ${eventOf(7)}`)
    await brokenAt(7, '1 of 3 events were removed')
  })

  it('adds an event to an hour that is sealed, or to one that had none', async () => {
    await append(5, 1)
    await brokenAt(5, noSeal('1 event'))
    await append(7, 1)
    await brokenAt(7, '1 more than the 3 events that were sealed: added')
    await append(30, 2)
    await brokenAt(30, noSeal('2 events'))
    // A server does not seal them afterwards.
    expect((await seal()).hours).toBe(0)
  })

  it('adds an event with an id below all others', async () => {
    await server.rows(
      sql`insert into annul.audit_events (id, kind, at) values (-9223372036854775808, 'login', ${hour(6)})`,
    )
    await brokenAt(6, '1 more than the 3 events that were sealed: added')
  })

  it.each([7, 6])('removes the seal of the hour %s hours ago', async ago => {
    await attack(sql`delete from annul.audit_seals where hour = ${hour(ago)}`)
    await brokenAt(ago, noSeal('3 events'))
  })

  it.each([
    [7, 6],
    [6, 4],
  ])('removes a seal and its events: %s hours ago', async (ago, next) => {
    await attack(
      sql`delete from annul.audit_seals where hour = ${hour(ago)}`,
      sql`delete from annul.audit_events where at >= ${hour(ago)} and at < ${hour(ago - 1)}`,
    )
    await brokenAt(next, chain)
  })

  it('swaps two seals, with their hours or without', async () => {
    const macOf = (ago: number) => sql`(select mac from annul.audit_seals where hour = ${hour(ago)})`
    await attack(sql`update annul.audit_seals set mac = case hour when ${hour(7)} then ${macOf(6)} else ${macOf(7)} end
      where hour in (${hour(7)}, ${hour(6)})`)
    await brokenAt(7, chain)
  })

  it('moves the events of two hours with their seals', async () => {
    await attack(
      sql`update annul.audit_events set at = at + interval '1 hour' where at >= ${hour(6)} and at < ${hour(5)}`,
      sql`update annul.audit_seals set hour = ${hour(5)} where hour = ${hour(6)}`,
    )
    await brokenAt(5, chain)
  })

  it.each(['events = events + 1', "mac = ''", 'mac = set_byte(mac, 20, 255 - get_byte(mac, 20))'])(
    'changes a seal: %s',
    async change => {
      await attack(sql`update annul.audit_seals set ${sql.raw(change)} where hour = ${hour(6)}`)
      await brokenAt(6, /^(the chain is broken: |the seal was changed: it is no seal of this version$)/)
    },
  )

  it('changes an event and seals anew without the secret', async () => {
    const forge = async (keyId: Buffer) => {
      await attack(
        sql`update annul.audit_events set kind = 'logout' where ${eventOf(4)}`,
        sql`delete from annul.audit_seals where hour = ${hour(4)}`,
      )
      await seal(randomBytes(32))
      await attack(sql`update annul.audit_seals set mac = decode(${keyId.toString('hex')}, 'hex') || substring(mac from 9)
        where hour = ${hour(4)} and ${keyId.length} > 0`)
    }
    await forge(Buffer.alloc(0))
    await brokenAt(4, /another ANNUL_SECRET, or was changed/)
    await forge(sealKey(secretOf()).id)
    await brokenAt(4, chain)
  })

  it('removes events as if they were purged, before their time', async () => {
    const remove = sql`delete from annul.audit_events where at >= ${hour(6)} and at < ${hour(5)}`
    const problem = '3 events were removed before ANNUL_AUDIT_DAYS (400) were over'
    await attack(remove, sql`update annul.audit_seals set purged_at = now() where hour = ${hour(6)}`)
    await brokenAt(6, problem)
    await attack(
      sql`update annul.audit_seals set purged_at = now() + interval '2 years' where hour = ${hour(6)}`,
    )
    await brokenAt(6, problem)
  })

  it('cuts off the last hours, but only to who kept a seal from before', async () => {
    await attack(
      sql`delete from annul.audit_seals where hour = ${hour(4)}`,
      sql`delete from annul.audit_events where at >= ${hour(4)}`,
    )
    expect(await verify({ expected: lastSeal })).toMatchObject({
      broken: undefined,
      hours: 2,
      foundExpected: false,
    })
  })

  it('has a server seal changed events anew, but only to who kept a seal from before', async () => {
    await attack(
      sql`delete from annul.audit_seals where hour = ${hour(4)}`,
      sql`update annul.audit_events set kind = 'logout' where ${eventOf(4)}`,
    )
    expect(await verify()).toMatchObject({ broken: undefined, unsealed: 3, overdue: 3 })
    await seal()
    expect(await verify({ expected: lastSeal })).toMatchObject({
      broken: undefined,
      hours: 3,
      foundExpected: false,
    })
  })
})

describe('seals of another secret', () => {
  it('are told as such', async () => {
    await append(4, 1)
    await seal()
    expect((await verify({ secret: randomBytes(32) })).broken).toEqual({
      hour: await hourAgo(4),
      problem:
        'the seal was made with another ANNUL_SECRET, or was changed. Check it with the secret that was set then',
    })
  })
})
