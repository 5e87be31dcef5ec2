import { beforeEach, describe, expect, it } from '@jest/globals'
import { Feed } from '../../src/revocation/feed.ts'
import { writeFrame } from '../../src/revocation/feedFrames.ts'
import { MirrorLoad, type MirrorState } from '../../src/revocation/mirrorLoad.ts'
import { type Revocation, RevocationView } from '../../src/revocation/view.ts'
import { settled, TestClock } from '../support/testClock.ts'
import { HeldRedis } from './heldRedis.ts'

/* One connection to Redis, from the first batch to its end. The clock stands still until a test moves it. */

const leaseMs = 900
const databaseMs = 1_600_000_000_000
let clock: TestClock
let view: RevocationView
let feed: Feed
let redis: HeldRedis
let state: MirrorState
/** The age of the node's picture, and the database's time. */
let age: number | undefined
let time: number | undefined

beforeEach(() => {
  clock = new TestClock()
  view = new RevocationView()
  age = 10
  time = databaseMs
  const picture = { ageMs: () => age, databaseTime: () => time }
  feed = new Feed({ view, clock, leaseMs, ackMs: 100, picture })
  redis = new HeldRedis(clock)
  state = { node: 'this node', sent: 0, confirmed: -1, grantedUntil: 0, distrusts: false }
})

const session = (subject: string): Revocation => ({
  ...{ kind: 'session', subject, reason: 'LOGGED_OUT', revokedAt: databaseMs },
})

/** Begins a load. */
function begin() {
  const told: unknown[] = []
  const load = new MirrorLoad({
    ...{ feed, connection: redis, state, clock },
    onLoaded: () => told.push('loaded'),
    onBye: () => told.push('bye'),
    onEnd: error => told.push(error),
  })
  return { told, load }
}

/** Begins a load to whose end Redis has answered all. */
async function beginLoaded() {
  const begun = begin()
  await settled()
  expect(begun.told).toEqual(['loaded'])
  begun.told.length = 0
  return begun
}

describe('a load', () => {
  it('follows the feed as the mirror', async () => {
    await beginLoaded()
    expect(feed.list()).toMatchObject([{ kind: 'MIRROR', name: 'redis' }])
  })

  it('writes everything first, each page when the page before it is there, and then says so', async () => {
    view.apply(Array.from({ length: 201 }, (_, at) => session(`session ${at}`)))
    redis.holds = true
    const { told, load } = begin()
    expect(redis.batches.map(({ entries }) => entries.length)).toEqual([200])
    // The first load is paced, and counts for nothing that is unsent.
    expect(load.unsentBytes).toBe(0)
    redis.answer()
    await settled()
    expect(redis.batches.map(({ entries }) => entries.length)).toEqual([200, 1])
    redis.holds = false
    // What was asked in between is the time.
    redis.answer()
    redis.answer()
    await settled()
    expect(redis.batches.map(({ entries }) => entries.length)).toEqual([200, 1, 0])
    expect(told).toEqual(['loaded'])
  })

  it('numbers its batches on from those that Redis has confirmed, and on top of each other', async () => {
    Object.assign(state, { sent: 9, confirmed: 5 })
    await beginLoaded()
    view.apply([session('one')])
    view.apply([session('two')])
    expect(redis.batches.map(({ node, after, at, kind }) => [node, after, at, kind])).toEqual([
      ['this node', 5, 10, 'first'],
      ['this node', 10, 11, 'next'],
      ['this node', 11, 12, 'next'],
    ])
    expect(state.sent).toBe(12)
    await settled()
    expect(state.confirmed).toBe(12)
  })

  it('has confirmed what Redis has answered, and no more', async () => {
    await beginLoaded()
    redis.holds = true
    view.apply([session('one')])
    view.apply([session('two')])
    expect([state.sent, state.confirmed]).toEqual([3, 1])
    redis.answer()
    await settled()
    expect([state.sent, state.confirmed]).toEqual([3, 2])
  })

  it('takes "fresh" away once where Redis\'s clock was put back before', async () => {
    state.distrusts = true
    redis.holds = true
    begin()
    expect([redis.batches.map(({ kind }) => kind), state.distrusts]).toEqual([['distrust'], true])
    redis.answer()
    await settled()
    expect(state.distrusts).toBe(false)
    view.apply([session('one')])
    expect(redis.batches.map(({ kind }) => kind)).toEqual(['distrust', 'next'])
  })

  it('of a node that is stopping ends at once, and asks Redis for nothing', async () => {
    await feed.close()
    const { told, load } = begin()
    expect(told).toEqual([new Error('The node is stopping.')])
    expect([redis.isOpen, redis.batches, redis.timesAsked, feed.list()]).toEqual([false, [], 0, []])
    load.end()
    await clock.pass(10_000)
    expect([told.length, redis.timesAsked]).toEqual([1, 0])
  })
})

describe('what the node applies', () => {
  it('is acknowledged when Redis has confirmed it', async () => {
    await beginLoaded()
    redis.holds = true
    view.apply([session('one')])
    view.apply([session('two')])
    expect(redis.batches.slice(1).map(({ entries }) => entries)).toMatchObject([
      [{ kind: 'session', subject: 'one', reason: 'LOGGED_OUT' }],
      [{ kind: 'session', subject: 'two', reason: 'LOGGED_OUT' }],
    ])
    expect([feed.hasPassed(1), feed.hasPassed(2)]).toEqual([false, false])
    redis.answer()
    await settled()
    expect([feed.hasPassed(1), feed.hasPassed(2)]).toEqual([true, false])
    redis.answer()
    await settled()
    expect(feed.hasPassed(2)).toBe(true)
  })

  it('is unsent until Redis has confirmed it', async () => {
    const { load } = await beginLoaded()
    redis.holds = true
    view.apply([session('one')])
    const one = load.unsentBytes
    expect(one).toBe(writeFrame({ type: 'entries', entries: [session('one')], n: 1 }).length)
    view.apply([session('two')])
    expect(load.unsentBytes).toBe(2 * one)
    redis.answer()
    await settled()
    expect(load.unsentBytes).toBe(one)
    redis.answer()
    await settled()
    expect(load.unsentBytes).toBe(0)
  })

  it('and Redis does not take ends the load: the feed bounds what is unsent', async () => {
    const { told } = await beginLoaded()
    redis.holds = true
    for (let turn = 0; turn < 20; turn++)
      view.apply(Array.from({ length: 1000 }, (_, at) => session(`session ${turn} ${at}`)))
    expect(told).toEqual([new Error('The frames are not read.')])
    expect([redis.isOpen, feed.list()]).toEqual([false, []])
  })

  it('is written again by a new load where Redis has lost what was written before', async () => {
    const { told } = await beginLoaded()
    redis.has = false
    view.apply([session('one')])
    await settled()
    expect(told).toEqual([new Error('Redis has lost data.')])
    expect([state.sent, state.confirmed, redis.isOpen, feed.list()]).toEqual([2, 1, false, []])
  })

  it.each([
    ['a batch', () => view.apply([session('one')])],
    ['the time', () => clock.pass(leaseMs / 3)],
  ])('and an error of Redis about %s ends the load', async (_, act) => {
    const { told } = await beginLoaded()
    redis.error = new Error('Redis is out of memory.')
    await act()
    await settled()
    expect(told).toEqual([redis.error])
  })

  it('is not told to a load that is over, and not acknowledged by it', async () => {
    const { told, load } = await beginLoaded()
    redis.holds = true
    view.apply([session('one')])
    load.end()
    redis.answer()
    await settled()
    expect([state.confirmed, told]).toEqual([1, [undefined]])
    load.send(writeFrame({ type: 'entries', entries: [session('two')], n: 2 }))
    expect(redis.batches).toHaveLength(2)
  })

  it('is all that is written: keys and what is no frame are nothing to Redis', async () => {
    const { told, load } = await beginLoaded()
    feed.tellKeys('annul', [])
    load.send('no frame')
    load.send('{"type":"of a later version"}')
    await settled()
    expect([redis.batches.length, told]).toEqual([1, []])
  })
})

describe('"fresh"', () => {
  const grants = () => redis.grants.map(({ until }) => until - clock.wall())

  it('is given nobody before everything is in Redis', async () => {
    redis.holds = true
    begin()
    // The time is told, and the batch is not confirmed.
    const held = redis
    held.answerLast()
    await settled()
    expect([redis.timesAsked, redis.grants]).toEqual([1, []])
    held.answer()
    await settled()
    expect(redis.timesAsked).toBe(2)
    held.answer()
    await settled()
    expect(grants()).toEqual([leaseMs - 10])
  })

  it('lives for the lease less the age, by the clock of Redis, with the time of the database', async () => {
    age = 10.5
    time = databaseMs + 0.7
    redis.offset = 5000
    await beginLoaded()
    expect(redis.grants.at(-1)).toEqual({
      ...{ node: 'this node', at: 1, until: Math.floor(redis.now() + leaseMs - 10.5), time: databaseMs },
    })
    expect(state.grantedUntil).toBe(redis.now() + leaseMs - 11)
    view.apply([session('one')])
    await clock.pass(leaseMs / 3)
    expect(redis.grants.at(-1)).toMatchObject({ at: 2 })
  })

  it('is given each third of a lease, from one question to the next', async () => {
    await beginLoaded()
    const before = redis.timesAsked
    const given = redis.grants.length
    await clock.pass(leaseMs / 3 - 1)
    expect(redis.timesAsked).toBe(before)
    redis.holds = true
    await clock.pass(1)
    expect([redis.timesAsked, redis.grants.length]).toEqual([before + 1, given])
    await clock.pass(100)
    redis.holds = false
    redis.answer()
    await settled()
    expect(redis.grants.length).toBe(given + 1)
    // The third is counted from the question, not from its answer.
    await clock.pass(leaseMs / 3 - 101)
    expect(redis.timesAsked).toBe(before + 1)
    await clock.pass(1)
    expect(redis.timesAsked).toBe(before + 2)
  })

  it('is asked for each 200 ms while the lease is not known', async () => {
    view.apply([session('one')])
    redis.holds = true
    begin()
    redis.answerLast()
    await settled()
    await clock.pass(199)
    expect(redis.timesAsked).toBe(1)
    await clock.pass(1)
    expect(redis.timesAsked).toBe(2)
  })

  it('ends no earlier for what the node has granted before', async () => {
    await beginLoaded()
    const until = state.grantedUntil
    age = 500
    await clock.pass(leaseMs / 3)
    expect(redis.grants.at(-1)?.until).toBeLessThan(until)
    expect(state.grantedUntil).toBe(until)
    age = 0
    await clock.pass(leaseMs / 3)
    expect(state.grantedUntil).toBe(clock.wall() + leaseMs)
  })

  it.each<[string, () => void, number]>([
    ['has no picture', () => (age = undefined), 0],
    ['does not know the time', () => (time = undefined), 0],
    ['has a picture as old as the lease', () => (age = leaseMs), 0],
    ['has a picture that is older', () => (age = leaseMs + 1), 0],
    ['has a picture that is a little younger', () => (age = leaseMs - 1), 1],
  ])('is given so often where the node %s', async (_, set, count) => {
    await beginLoaded()
    const before = redis.grants.length
    set()
    await clock.pass(leaseMs / 3)
    expect(redis.grants.length - before).toBe(count)
  })

  it('is not given for an answer that came later than the time was read', async () => {
    await beginLoaded()
    const before = redis.grants.length
    // An acknowledgement is answered as well.
    view.apply([session('one')])
    await settled()
    expect([feed.hasPassed(1), redis.grants.length]).toEqual([true, before])
  })

  it('that Redis has lost ends the load, and so does an error', async () => {
    for (const failure of [{ has: false }, { error: new Error('READONLY') }]) {
      redis = new HeldRedis(clock)
      const { told } = await beginLoaded()
      redis.holds = true
      await clock.pass(leaseMs / 3)
      // The time is told, and what is granted with it fails.
      redis.answer()
      await settled()
      Object.assign(redis, failure)
      redis.answer()
      await settled()
      expect(told).toEqual([failure.error ?? new Error('Redis has lost data.')])
    }
  })
})

describe('a Redis', () => {
  it('that does not tell its time for 5 s is given up', async () => {
    const { told } = await beginLoaded()
    redis.holds = true
    await clock.pass(leaseMs / 3 + 4999)
    expect(told).toEqual([])
    await clock.pass(1)
    expect(told).toEqual([new Error('Redis does not answer.')])
    expect(redis.isOpen).toBe(false)
  })

  it('is asked for nothing more after the load has ended', async () => {
    const { told, load } = await beginLoaded()
    const before = redis.timesAsked
    load.end(new Error('It was lost.'))
    load.end(new Error('It was lost again.'))
    await clock.pass(10_000)
    expect(told).toEqual([new Error('It was lost.')])
    expect([redis.timesAsked, redis.isOpen, feed.list()]).toEqual([before, false, []])
  })

  it('that tells its time after the load has ended is not listened to', async () => {
    const { load } = await beginLoaded()
    redis.holds = true
    await clock.pass(leaseMs / 3)
    load.end()
    redis.holds = false
    const before = [redis.timesAsked, redis.grants.length]
    redis.answer()
    await clock.pass(10_000)
    expect([redis.timesAsked, redis.grants.length]).toEqual(before)
  })
})

describe("Redis's clock", () => {
  const jumped = new Error("Redis's clock was set.")

  // A third of the lease is 300 ms: at 5 % each way, and 10 ms for rounding, between 275.7 and 325 ms.
  it.each<[number, unknown[], boolean]>([
    [-24, [], false],
    [-25, [jumped], true],
    [25, [], false],
    [26, [jumped], false],
  ])('may go on as a clock does: %d ms beside it means %j', async (offset, errors, distrusts) => {
    const { told } = await beginLoaded()
    const given = redis.grants.length
    redis.offset = offset
    await clock.pass(leaseMs / 3)
    expect(told).toEqual(errors)
    expect(state.distrusts).toBe(distrusts)
    expect(redis.grants.length - given).toBe(errors.length === 0 ? 1 : 0)
  })

  // Both answers take 100 ms, and the time may have been read at any moment of them.
  it.each<[number, unknown[]]>([
    [-119, []],
    [-120, [jumped]],
    [130, []],
    [131, [jumped]],
  ])('is read at a moment that is not known: %d ms beside it means %j', async (offset, errors) => {
    const { told } = await beginLoaded()
    redis.holds = true
    const readSlowly = async () => {
      await clock.pass(100)
      redis.answer()
      await settled()
      // What was granted.
      redis.answer()
      await settled()
    }
    await clock.pass(leaseMs / 3)
    await readSlowly()
    redis.offset = offset
    await clock.pass(leaseMs / 3 - 100)
    await readSlowly()
    expect(told).toEqual(errors)
  })

  it('is compared with the last reading, not with an earlier one', async () => {
    const { told } = await beginLoaded()
    for (const offset of [20, 40, 60, 80]) {
      redis.offset = offset
      await clock.pass(leaseMs / 3)
    }
    expect(told).toEqual([])
  })
})

describe('a node that stops', () => {
  it('tells so, grants nothing more, and says bye when "fresh" has ended', async () => {
    const { told } = await beginLoaded()
    const before = [redis.timesAsked, redis.grants.length]
    let isClosed = false
    void feed.close().then(() => {
      isClosed = true
    })
    expect([told, redis.endsAsked]).toEqual([['bye'], 1])
    await clock.pass(leaseMs / 12 - 1)
    expect(redis.endsAsked).toBe(1)
    await clock.pass(1)
    expect(redis.endsAsked).toBe(2)
    // It ends 890 ms after it was given; the question is asked each 75 ms.
    await clock.pass(889 - leaseMs / 12)
    expect([told, isClosed, redis.isOpen]).toEqual([['bye'], false, true])
    await clock.pass(11)
    expect([told, isClosed, redis.isOpen]).toEqual([['bye', new Error('Bye.')], true, false])
    const asked = redis.endsAsked
    await clock.pass(10_000)
    expect([redis.timesAsked, redis.grants.length]).toEqual(before)
    expect(redis.endsAsked).toBe(asked)
  })

  it.each([
    [5, false],
    [6, true],
  ])('leaves a "fresh" that ends %d ms after its own to another node: %s', async (later, leaves) => {
    const { told } = await beginLoaded()
    redis.others = state.grantedUntil + later
    void feed.close()
    await settled()
    expect(told.length === 2).toBe(leaves)
  })

  it('says bye at once where there is no "fresh"', async () => {
    age = undefined
    const { told } = await beginLoaded()
    void feed.close()
    await settled()
    expect(told).toEqual(['bye', new Error('Bye.')])
  })

  it('gives up a Redis that fails meanwhile', async () => {
    const { told } = await beginLoaded()
    redis.error = new Error('It was lost.')
    void feed.close()
    await settled()
    expect(told).toEqual(['bye', redis.error])
  })

  it('says nothing more on a connection that was lost meanwhile', async () => {
    const { told, load } = await beginLoaded()
    redis.holds = true
    void feed.close()
    load.end(new Error('It was lost.'))
    redis.answer()
    await clock.pass(leaseMs / 3)
    expect([told.length, redis.endsAsked]).toEqual([2, 1])
  })

  it('does not use a time that was asked for before', async () => {
    await beginLoaded()
    redis.holds = true
    await clock.pass(leaseMs / 3)
    const before = [redis.timesAsked, redis.grants.length]
    void feed.close()
    redis.answer()
    await settled()
    await clock.pass(10_000)
    expect([redis.timesAsked, redis.grants.length]).toEqual(before)
  })

  it('during its load asks for no time when all is written', async () => {
    // Somebody who is fresh, and for whom the feed waits.
    const link = { unsentBytes: 0, send: (_: string, sent?: () => void) => sent?.(), close() {} }
    const verifier = feed.attach(link, { kind: 'VERIFIER', name: 'orders' })
    verifier.receive(writeFrame({ type: 'hello' }))
    await settled()
    verifier.receive(writeFrame({ type: 'beat', k: 1, applied: 0 }))
    redis.holds = true
    const { told } = begin()
    void feed.close()
    redis.answer()
    await settled()
    expect(told).toEqual(['bye', 'loaded'])
    expect(redis.timesAsked).toBe(1)
  })
})
