import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, test as anywhere, beforeEach, expect } from '@jest/globals'
import { systemClock } from '../../src/revocation/clock.ts'
import { isVisible } from '../../src/revocation/snapshot.ts'
import { onPostgres } from '../support/database.ts'
import { type NodeProxy, startProxy } from '../support/proxy.ts'
import { appendEnd, type Nodes, openNodes, until, verdictOf } from './nodes.ts'

// The embedded database serves one process: there is nobody to follow and nobody to wait for.
const test = onPostgres ? anywhere : anywhere.skip

let nodes: Nodes
let proxy: NodeProxy
/** To the database through the proxy. */
let proxied: string

beforeEach(async () => {
  nodes = await openNodes()
  const url = new URL(nodes.url)
  proxy = await startProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  proxied = url.href
})

afterEach(async () => {
  await nodes.close()
  await proxy.close()
})

/** So long that only a hint can be quick. */
const longLease = 60_000

test('a new node knows what was revoked before, over several pages, and nothing that is too old to matter', async () => {
  const sid = randomUUID()
  const old = randomUUID()
  await nodes.sql`
    insert into annul.revocations (kind, subject, reason, revoked_at)
    select 'session', case n when 12345 then ${sid}::uuid when 23456 then ${old}::uuid else gen_random_uuid() end,
           'SESSION_REVOKED', now() - make_interval(secs => case n when 23456 then 3721 else n / 10 end)
    from generate_series(1, 25000) n`
  const node = await nodes.start()
  expect(verdictOf(node, sid)).toBe('SESSION_REVOKED')
  expect(verdictOf(node, old)).toBeUndefined()
  expect(node.view.size.sessions).toBe(24_999)
})

test('a new node knows every kind of revocation, with its version and reason', async () => {
  const [sub, sid] = [randomUUID(), randomUUID()]
  await nodes.sql`
    insert into annul.revocations (kind, subject, min_version, reason) values
      ('everyone', null, 3, 'EVERYTHING_REVOKED'), ('session', ${sid}, null, 'REFRESH_REUSED'),
      ('user', ${sub}, 7, 'PASSWORD_CHANGED'), ('user', ${sub}, 6, 'USER_BLOCKED')`
  const { view } = await nodes.start()
  const good = { sub: randomUUID(), sid: randomUUID(), ver: 1, epoch: 3 }
  expect(view.verdict(good)).toBeUndefined()
  expect(view.verdict({ ...good, epoch: 2 })).toBe('EVERYTHING_REVOKED')
  expect(view.verdict({ ...good, sid })).toBe('REFRESH_REUSED')
  expect(view.verdict({ ...good, sub, ver: 6 })).toBe('PASSWORD_CHANGED')
  expect(view.verdict({ ...good, sub, ver: 7 })).toBeUndefined()
  expect(view.size).toEqual({ users: 1, sessions: 1 })
})

test('a hint makes every node read at once', async () => {
  const both = await Promise.all([nodes.start({ leaseMs: longLease }), nodes.start({ leaseMs: longLease })])
  const { sid } = await nodes.revoke()
  await until(() => both.every(node => verdictOf(node, sid) === 'LOGGED_OUT'), 1000)
})

test('a hint that is lost costs no more than a beat', async () => {
  const node = await nodes.start({ leaseMs: 3000 })
  const { sid } = await nodes.revoke({ notify: false })
  expect(await until(() => verdictOf(node, sid) !== undefined)).toBeLessThan(3000)
})

test('a transaction that commits after later ones is not missed', async () => {
  const node = await nodes.start()
  const late = randomUUID()
  let later = ''
  await nodes.sql.begin(async tx => {
    await appendEnd(tx, late)
    const { sid } = await nodes.revoke()
    later = sid
    await until(() => verdictOf(node, later) !== undefined)
    await delay(250)
    expect(verdictOf(node, late)).toBeUndefined()
  })
  await until(() => verdictOf(node, late) === 'LOGGED_OUT', 1000)
})

test('a node whose connection is terminated stays fresh, joins anew, and leaves one row', async () => {
  const node = await nodes.start({ leaseMs: 2000 })
  const [before] = await rowIds()
  await nodes.sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'annul-follow' and datname = current_database()`
  let wasStale = false
  await until(async () => {
    wasStale ||= !node.isFresh()
    return (await rowIds())[0] !== before
  })
  expect(wasStale).toBe(false)
  expect(await rowIds()).toHaveLength(1)
  const { sid } = await nodes.revoke()
  await until(() => verdictOf(node, sid) !== undefined, 1000)
})

test('a node that finds itself forgotten is not fresh until it has joined anew', async () => {
  await nodes.sql.unsafe(`
    create function slowly() returns trigger language plpgsql as 'begin perform pg_sleep(0.7); return new; end';
    create trigger slowly before insert on annul.nodes for each row execute function slowly()`)
  const node = await nodes.start({ leaseMs: 3000 })
  const [before] = await rowIds()
  await nodes.sql`delete from annul.nodes`
  await until(() => !node.isFresh(), 2000)
  await until(() => node.isFresh())
  const after = await rowIds()
  expect(after).toHaveLength(1)
  expect(after[0]).not.toBe(before)
})

test('a node that can not reach the database stops deciding when its lease is over, and begins again', async () => {
  const node = await nodes.start({ url: proxied, leaseMs: 600 })
  proxy.set('drop')
  const droppedAt = performance.now()
  const { sid } = await nodes.revoke()
  let decidedAt = droppedAt
  await until(() => {
    const now = performance.now()
    if (node.isFresh()) decidedAt = now
    return decidedAt < now
  })
  expect(decidedAt - droppedAt).toBeLessThan(600)
  expect(verdictOf(node, sid)).toBeUndefined()
  proxy.set('forward')
  await until(() => node.isFresh())
  expect(verdictOf(node, sid)).toBe('LOGGED_OUT')
})

test('a suspended machine is noticed by its wall clock, a corrected clock by its step back', async () => {
  let ahead = 7_200_000
  const clock = { ...systemClock, wall: () => systemClock.wall() + ahead }
  const node = await nodes.start({ leaseMs: longLease, clock })
  expect(node.isFresh()).toBe(true)
  ahead += longLease
  expect(node.isFresh()).toBe(false)
  ahead -= longLease + 1000
  expect(node.isFresh()).toBe(false)
  ahead += 1000
  expect(node.isFresh()).toBe(true)
})

test('the time is that of the database, whatever the own clock shows', async () => {
  const clock = { ...systemClock, wall: () => systemClock.wall() + 7_200_000 }
  const node = await nodes.start({ clock })
  // Both run on one machine here.
  const difference = (node.databaseTime() ?? 0) - Date.now()
  expect(difference).toBeGreaterThan(-5)
  expect(difference).toBeLessThan(250)
})

test('a stopped node decides nothing, and nobody waits for it', async () => {
  const node = await nodes.start()
  await node.stop()
  expect(node.isFresh()).toBe(false)
  expect(await nodes.sql`select * from annul.nodes`).toHaveLength(0)
})

test('beats read what is new by an index, not the whole log, while an old transaction is open', async () => {
  await nodes.sql.begin(async old => {
    await old`select pg_current_xact_id()`
    await nodes.sql`insert into annul.revocations (kind, subject, reason)
      select 'session', gen_random_uuid(), 'LOGGED_OUT' from generate_series(1, 20000)`
    await nodes.sql`analyze annul.revocations`
    await nodes.start({ leaseMs: 200 })
    const scanned = async () => {
      const [row] = await nodes.sql<{ scans: number }[]>`
        select seq_scan::int as scans from pg_stat_user_tables where relid = 'annul.revocations'::regclass`
      return row?.scans
    }
    // A server counts a connection's work once a second.
    await delay(1200)
    const before = await scanned()
    await delay(2200)
    expect(await scanned()).toBe(before)
  })
})

test('isVisible says what pg_visible_in_snapshot says', async () => {
  const snapshots = [
    '10:10:',
    '10:20:',
    '10:20:10,15,19',
    '9007199254740993:9007199254740995:9007199254740994',
  ]
  for (const snapshot of snapshots)
    for (const xid of [
      '1',
      '9',
      '10',
      '11',
      '15',
      '19',
      '20',
      '21',
      '9007199254740992',
      '9007199254740994',
    ]) {
      const [row] =
        await nodes.sql`select pg_visible_in_snapshot(${xid}::text::xid8, ${snapshot}::text::pg_snapshot) as it`
      expect([snapshot, xid, isVisible(xid, snapshot)]).toEqual([snapshot, xid, row?.it])
    }
})

async function rowIds(): Promise<string[]> {
  const rows = await nodes.sql<{ id: string }[]>`select id from annul.nodes`
  return rows.map(row => row.id)
}
