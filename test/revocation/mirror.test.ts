import { afterEach, describe, expect, it } from '@jest/globals'
import type { Revocation } from '../../src/revocation/view.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { type MirroringNode, newId, revokeSession, startMirroring } from './mirrorNode.ts'
import { openNodes } from './nodes.ts'

const hourMs = 3_600_000
const leaseMs = 600

const nodes = useFixture(openNodes)
const redis = useFixture(() => startRedis())

let started: MirroringNode[] = []
afterEach(async () => {
  await Promise.all(started.map(each => each.stop()))
  started = []
  await nodes.sql`delete from annul.revocations`
  await redis.command('FLUSHALL')
})
async function start() {
  const each = await startMirroring(nodes, redis.url, { leaseMs })
  started.push(each)
  await until(() => redis.get('{annul}:fresh'))
  return each
}

async function append(entry: Omit<Revocation, 'revokedAt'>): Promise<string> {
  const { kind, subject = null, minVersion = null, reason } = entry
  const [row] = await nodes.sql<{ xid: string }[]>`
    insert into annul.revocations (kind, subject, min_version, reason)
    values (${kind}, ${subject}, ${minVersion}, ${reason}) returning xid::text`
  return String(row?.xid)
}

async function revoke({ node }: MirroringNode, ...entries: Omit<Revocation, 'revokedAt'>[]): Promise<void> {
  for (const entry of entries) await node.barrier(await append(entry), [entry])
}

describe('the mirror', () => {
  it('writes each kind of entry under its key, with its life', async () => {
    const each = await start()
    const [session, user, kid] = [newId(), newId(), newId()]
    await revoke(
      each,
      { kind: 'session', subject: session, reason: 'LOGGED_OUT' },
      { kind: 'user', subject: user, minVersion: 4, reason: 'PASSWORD_CHANGED' },
      { kind: 'everyone', minVersion: 2, reason: 'EVERYTHING_REVOKED' },
      { kind: 'key', subject: kid, reason: 'KEY_REVOKED' },
    )
    const all = await redis.all()
    const [position] = Object.keys(all).filter(key => key.startsWith('{annul}:at:'))
    const names = ['epoch', 'fresh', `key:${kid}`, `session:${session}`, `user:${user}`]
    expect(Object.keys(all).sort()).toEqual([position, ...names.map(name => `{annul}:${name}`)].sort())
    expect(all['{annul}:epoch']).toEqual({ value: '2', lifeMs: -1 })
    expect(all[`{annul}:key:${kid}`]).toEqual({ value: 'KEY_REVOKED', lifeMs: -1 })
    const mortal = {
      [`{annul}:session:${session}`]: 'LOGGED_OUT',
      [`{annul}:user:${user}`]: '4 PASSWORD_CHANGED',
    }
    for (const [key, value] of Object.entries(mortal)) {
      expect(all[key]?.value).toBe(value)
      expect(all[key]?.lifeMs).toBeGreaterThan(2 * hourMs - 60_000)
      expect(all[key]?.lifeMs).toBeLessThanOrEqual(2 * hourMs)
    }
    expect(all[String(position)]?.lifeMs).toBeGreaterThan(24 * hourMs - 60_000)
    expect(all['{annul}:fresh']?.lifeMs).toBeLessThanOrEqual(leaseMs)
    const [found] = await nodes.sql<{ now: number }[]>`select extract(epoch from now())::float8 * 1000 as now`
    expect(Math.abs(Number(all['{annul}:fresh']?.value) - Number(found?.now))).toBeLessThan(60_000)
  })

  it('only raises versions and the epoch, and never shortens a life', async () => {
    const each = await start()
    const [user, session] = [newId(), newId()]
    await redis.command('SET', `{annul}:user:${user}`, '9 USER_BLOCKED', 'PX', 3 * hourMs)
    await redis.command('SET', `{annul}:session:${session}`, 'LOGGED_OUT', 'PX', 3 * hourMs)
    await redis.command('SET', '{annul}:epoch', '7')
    await revoke(
      each,
      { kind: 'user', subject: user, minVersion: 8, reason: 'ACCESS_CHANGED' },
      { kind: 'session', subject: session, reason: 'LOGGED_OUT' },
      { kind: 'everyone', minVersion: 6, reason: 'EVERYTHING_REVOKED' },
    )
    const all = await redis.all()
    expect(all[`{annul}:user:${user}`]?.value).toBe('9 USER_BLOCKED')
    expect(all['{annul}:epoch']).toEqual({ value: '7', lifeMs: -1 })
    for (const key of [`{annul}:user:${user}`, `{annul}:session:${session}`])
      expect(all[key]?.lifeMs).toBeGreaterThan(2 * hourMs)
    // A version is a number: ten is more than nine.
    await revoke(each, { kind: 'user', subject: user, minVersion: 10, reason: 'PASSWORD_CHANGED' })
    expect(await redis.get(`{annul}:user:${user}`)).toBe('10 PASSWORD_CHANGED')
  })

  it('lets a life that has run begin again with what is written again', async () => {
    const session = newId()
    await append({ kind: 'session', subject: session, reason: 'LOGGED_OUT' })
    await redis.command('SET', `{annul}:session:${session}`, 'LOGGED_OUT', 'PX', 60_000)
    await start()
    expect(Number(await redis.command('PTTL', `{annul}:session:${session}`))).toBeGreaterThan(hourMs)
  })

  it('has written an entry when the revocation returns', async () => {
    const each = await start()
    const waits: number[] = []
    for (let turn = 0; turn < 10; turn++) {
      const { sid, waitedMs } = await revokeSession(nodes, each)
      expect(await redis.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
      waits.push(waitedMs)
    }
    // Redis answers, so nothing waits for a lease.
    expect(Math.min(...waits)).toBeLessThan(leaseMs / 2)
  })

  it('writes what stood in the log before it started, also more than a page, before "fresh"', async () => {
    await nodes.sql`insert into annul.revocations (kind, subject, reason)
      select 'session', gen_random_uuid(), 'LOGGED_OUT' from generate_series(1, 2500)`
    await start()
    expect(Number(await redis.command('DBSIZE'))).toBe(2500 + 2)
  })

  it('writes everything again when Redis was emptied', async () => {
    const each = await start()
    const { sid } = await revokeSession(nodes, each)
    await redis.command('FLUSHALL')
    await until(() => redis.get('{annul}:fresh'))
    expect(await redis.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
    expect(each.errors).toEqual([new Error('Redis has lost data.')])
  })

  it('writes nothing on top of what was lost, and takes "fresh" away', async () => {
    const each = await start()
    const { sid } = await revokeSession(nodes, each)
    const [position] = (await redis.command('KEYS', '{annul}:at:*')) as string[]
    // What a restart from an older file leaves: `fresh`, and an older position without the last entry.
    await redis.command('DEL', `{annul}:session:${sid}`)
    await redis.command('SET', String(position), '1')
    await redis.command('PEXPIRE', '{annul}:fresh', 60_000)
    const second = await revokeSession(nodes, each)
    expect(await redis.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
    expect(await redis.get(`{annul}:session:${second.sid}`)).toBe('LOGGED_OUT')
    expect(Number(await redis.command('PTTL', '{annul}:fresh'))).toBeLessThanOrEqual(leaseMs)
    expect(each.errors).toEqual([new Error('Redis has lost data.')])
  })

  it('is written by two nodes at once, and keeps "fresh" while one of them goes', async () => {
    const [first, second] = [await start(), await start()]
    const ended = [await revokeSession(nodes, first), await revokeSession(nodes, second)]
    for (const { sid } of ended) expect(await redis.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
    expect(await redis.command('KEYS', '{annul}:at:*')).toHaveLength(2)
    await first.stop()
    // The node that left has not taken it along: the other node has granted it.
    expect(await redis.get('{annul}:fresh')).not.toBeNull()
    const { sid } = await revokeSession(nodes, second)
    expect(await redis.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
  })

  it('lets "fresh" lapse when the node has stopped, and not before its row is gone', async () => {
    const each = await start()
    const since = performance.now()
    await each.stop()
    expect(await redis.get('{annul}:fresh')).toBeNull()
    expect(await nodes.sql`select from annul.nodes`).toHaveLength(0)
    expect(performance.now() - since).toBeLessThan(10 * leaseMs)
  })

  it('grants nothing while the node has no picture', async () => {
    const each = await start()
    await nodes.sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'annul-follow' and datname = current_database()`
    await nodes.sql`alter table annul.nodes rename to hidden`
    try {
      await until(() => !each.node.isFresh())
      await until(async () => (await redis.get('{annul}:fresh')) === null)
      await new Promise(resolve => setTimeout(resolve, leaseMs))
      expect(await redis.get('{annul}:fresh')).toBeNull()
    } finally {
      await nodes.sql`alter table annul.hidden rename to nodes`
    }
    await until(() => redis.get('{annul}:fresh'))
  })
})
