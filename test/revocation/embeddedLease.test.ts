import { randomUUID } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pglite'
import { rows } from '../../src/database/open.ts'
import { embeddedRevocation } from '../../src/revocation/embeddedRevocation.ts'
import { type NodeFrame, readNodeFrame, writeFrame } from '../../src/revocation/feedFrames.ts'
import type { Revocation } from '../../src/revocation/view.ts'
import { settled, TestClock } from '../support/testClock.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'

/* One process on the embedded database, by a clock that the test moves, and the processes before and after it. */

const leaseMs = 1000

const database = useFixture(async () => {
  const client = await PGlite.create()
  const db = drizzle(client)
  await db.execute(sql`create schema annul`)
  await db.execute(sql`create table annul.revocations (
    id bigserial primary key, kind text not null, subject uuid, min_version bigint, reason text not null,
    revoked_at timestamptz not null default now())`)
  await db.execute(
    sql`create table annul.nodes (id uuid primary key, lease_ms integer not null, beat bigint not null default 0)`,
  )
  return { db, close: () => client.close() }
})

let clock: TestClock
/** How many rows each statement has read, in their order. */
let read: number[]
beforeEach(async () => {
  clock = new TestClock()
  clock.stepWallClock(Date.now() - clock.wall())
  read = []
  await database.db.execute(sql`delete from annul.revocations`)
  await database.db.execute(sql`delete from annul.nodes`)
})

function create() {
  const db = {
    async execute(statement: SQL) {
      const found = await rows(database.db as never, statement)
      read.push(found.length)
      return found
    },
  }
  return embeddedRevocation(db as never, { leaseMs, feedAckMs: 100 }, clock)
}
async function start() {
  const process = create()
  await process.start()
  read = []
  return process
}
const end = (sid: string) =>
  database.db.execute(
    sql`insert into annul.revocations (kind, subject, reason) values ('session', ${sid}, 'LOGGED_OUT')`,
  )
const claims = (sid: string) => ({ sub: randomUUID(), sid, ver: 1, epoch: 1 })
const nodes = async () => (await database.db.execute(sql`select id, lease_ms from annul.nodes`)).rows
const keepLease = (ms: number) =>
  database.db.execute(sql`insert into annul.nodes (id, lease_ms) values (${randomUUID()}, ${ms})`)

/** A verifier that follows the process, and is fresh. */
async function follow(process: ReturnType<typeof create>) {
  const frames: NodeFrame[] = []
  const link = {
    unsentBytes: 0,
    send(text: string, sent?: () => void) {
      const frame = readNodeFrame(text)
      if (frame !== undefined && frame !== 'unknown') frames.push(frame)
      sent?.()
    },
    close() {},
  }
  const connection = process.feed.attach(link, { kind: 'VERIFIER', name: 'orders' })
  connection.receive(writeFrame({ type: 'hello' }))
  let k = 0
  const beat = (applied: number) => connection.receive(writeFrame({ type: 'beat', k: ++k, applied }))
  await until(nodes, found => found.length > 0)
  await until(() => {
    beat(0)
    const last = frames.at(-1)
    return last?.type === 'beat' && last.age !== undefined
  })
  return { frames, beat, bye: () => connection.receive(writeFrame({ type: 'bye' })) }
}

/** Begins a barrier. @returns how long it has waited, when it is over */
function wait(process: ReturnType<typeof create>) {
  const state: { waited?: number } = {}
  void process.barrier().then(waited => {
    state.waited = waited
  })
  return state
}

describe('the view', () => {
  it('has no age before the log was read, and is never old after that', async () => {
    const process = create()
    expect([process.isFresh(), process.ageMs()]).toEqual([false, undefined])
    const starting = process.start()
    expect([process.start() === starting, process.isFresh()]).toEqual([true, false])
    await starting
    expect([process.isFresh(), process.ageMs(), process.databaseTime()]).toEqual([true, 0, clock.wall()])
    clock.now += 10 * leaseMs
    expect([process.isFresh(), process.ageMs(), process.databaseTime()]).toEqual([true, 0, clock.wall()])
    expect(process.node()).toEqual({ id: expect.stringMatching(/^[\w-]{36}$/), since: expect.any(Date) })
  })

  it('reads each row of the log once, and every kind of row as it is', async () => {
    const process = await start()
    const told: Revocation[] = []
    process.view.subscribe(revocations => told.push(...revocations))
    const [sid, sub] = [randomUUID(), randomUUID()]
    await database.db.execute(sql`insert into annul.revocations (kind, subject, min_version, reason) values
      ('session', ${sid}, null, 'LOGGED_OUT'), ('user', ${sub}, 7, 'PASSWORD_CHANGED'),
      ('everyone', null, 3, 'EVERYTHING_REVOKED')`)
    await process.barrier()
    const revokedAt = expect.any(Number)
    expect(told).toStrictEqual([
      { kind: 'session', subject: sid, reason: 'LOGGED_OUT', revokedAt },
      { kind: 'user', subject: sub, minVersion: 7, reason: 'PASSWORD_CHANGED', revokedAt },
      { kind: 'everyone', minVersion: 3, reason: 'EVERYTHING_REVOKED', revokedAt },
    ])
    expect(Math.abs(Number(told[0]?.revokedAt) - Date.now())).toBeLessThan(60_000)
    await process.barrier()
    await end(randomUUID())
    await process.barrier()
    await process.barrier()
    expect(read).toEqual([3, 0, 1, 0])
  })

  it('forgets what is too old to matter, by the clock of the machine', async () => {
    const process = await start()
    await end(randomUUID())
    await process.barrier()
    expect(process.view.size.sessions).toBe(1)
    clock.stepWallClock(3_900_000)
    await process.barrier()
    expect(process.view.size.sessions).toBe(0)
  })

  it('is not fresh where the process was stopped while it read', async () => {
    const process = create()
    const starting = process.start()
    await Promise.all([starting, process.stop()])
    expect(process.isFresh()).toBe(false)
  })

  it('is read by the barrier after the start that is under way', async () => {
    const process = create()
    const sid = randomUUID()
    await end(sid)
    void process.start()
    expect(await process.barrier()).toBe(0)
    expect([process.isFresh(), process.view.verdict(claims(sid))]).toEqual([true, 'LOGGED_OUT'])
  })
})

describe('the lease of a process', () => {
  it('is kept in a row from its first verifier to its stop', async () => {
    const process = await start()
    expect(await nodes()).toEqual([])
    const first = await follow(process)
    const second = await follow(process)
    expect(await nodes()).toEqual([{ id: process.node()?.id, lease_ms: leaseMs }])
    first.bye()
    second.bye()
    await process.stop()
    expect([await nodes(), process.isFresh()]).toEqual([[], false])
  })

  it.each<[string, number[], number]>([
    ['no process before it', [], 0],
    ['one process before it', [2000], 2100],
    ['several processes before it', [500, 4000, 1000], 4200],
  ])('is waited for after %s', async (_, former, waits) => {
    for (const ms of former) await keepLease(ms)
    const process = await start()
    const sid = randomUUID()
    await end(sid)
    const barrier = wait(process)
    await until(() => process.view.verdict(claims(sid)))
    await settled()
    if (waits > 0) {
      await clock.pass(waits - 1)
      expect(barrier.waited).toBeUndefined()
      await clock.pass(1)
    }
    await until(() => barrier.waited !== undefined)
    expect(barrier.waited).toBe(waits)
    // It is over: the next one waits for nobody.
    expect(await process.barrier()).toBe(0)
  })

  it('is waited for from the start on, and not from the revocation', async () => {
    await keepLease(2000)
    const process = await start()
    clock.now += 2000
    const sid = randomUUID()
    await end(sid)
    const barrier = wait(process)
    await until(() => process.view.verdict(claims(sid)))
    await clock.pass(100)
    await until(() => barrier.waited !== undefined)
    expect(barrier.waited).toBe(100)
  })

  it('of the process before outlives a stop that comes too early for it', async () => {
    await keepLease(2000)
    const early = await start()
    clock.now += 2099
    await early.stop()
    expect(await nodes()).toHaveLength(1)
    const process = await start()
    clock.now += 2100
    await process.stop()
    expect(await nodes()).toEqual([])
  })
})

describe('a barrier', () => {
  it('waits until a verifier has acknowledged, and no longer', async () => {
    const process = await start()
    const { beat, frames } = await follow(process)
    expect(frames.at(-1)).toMatchObject({ age: 0, time: clock.wall(), lease: leaseMs })
    const sid = randomUUID()
    await end(sid)
    const barrier = wait(process)
    await until(() => process.view.verdict(claims(sid)))
    await clock.pass(30)
    expect(barrier.waited).toBeUndefined()
    beat(1)
    await settled()
    expect(barrier.waited).toBe(30)
  })

  it('waits for a verifier that says nothing until it can not be fresh any more', async () => {
    const process = await start()
    await follow(process)
    const sid = randomUUID()
    await end(sid)
    const barrier = wait(process)
    await until(() => process.view.verdict(claims(sid)))
    await clock.pass(1049)
    expect(barrier.waited).toBeUndefined()
    await clock.pass(1)
    expect(barrier.waited).toBe(1050)
  })

  it('waits for a verifier, and for the process before, whichever takes longer', async () => {
    await keepLease(2000)
    const process = await start()
    const { beat } = await follow(process)
    const sid = randomUUID()
    await end(sid)
    const barrier = wait(process)
    await until(() => process.view.verdict(claims(sid)))
    beat(1)
    await clock.pass(2099)
    expect(barrier.waited).toBeUndefined()
    await clock.pass(1)
    expect(barrier.waited).toBe(2100)
  })
})
