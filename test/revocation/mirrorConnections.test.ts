import { beforeEach, describe, expect, it } from '@jest/globals'
import { Feed } from '../../src/revocation/feed.ts'
import { Mirror } from '../../src/revocation/mirror.ts'
import type { MirrorConnection, MirrorStore } from '../../src/revocation/mirrorPort.ts'
import { RevocationView } from '../../src/revocation/view.ts'
import { settled, TestClock } from '../support/testClock.ts'
import { HeldRedis } from './heldRedis.ts'

/* One connection to Redis after another: when they are opened, and when no more. What one of them does: mirrorLoad.test.ts. */

const leaseMs = 600
let clock: TestClock
let feed: Feed
beforeEach(() => {
  clock = new TestClock()
  const picture = { ageMs: () => 10, databaseTime: () => clock.wall() }
  feed = new Feed({ view: new RevocationView(), clock, leaseMs, ackMs: 100, picture })
})

/** Opens a mirror whose connections are opened, or fail, when the test says so. */
function open(options: { isSilent?: boolean } = {}) {
  const attempts: {
    readonly at: number
    readonly signal: AbortSignal
    succeed(connection: MirrorConnection): void
    fail(error: Error): void
    lose(error: unknown): void
  }[] = []
  const errors: unknown[] = []
  let loads = 0
  let isClosed = false
  const store: MirrorStore = {
    connect: (lose, signal) =>
      new Promise((succeed, fail) => attempts.push({ at: clock.now, signal, succeed, fail, lose })),
  }
  const told = options.isSilent
    ? {}
    : { onError: (error: unknown) => errors.push(error), onLoaded: () => loads++ }
  const mirror = new Mirror({ store, feed, clock, ...told })
  return {
    attempts,
    errors,
    mirror,
    last: () => {
      const attempt = attempts.at(-1)
      if (attempt === undefined) throw new Error('Nothing was tried.')
      return attempt
    },
    loads: () => loads,
    isClosed: () => isClosed,
    close() {
      void mirror.close().then(() => {
        isClosed = true
      })
    },
  }
}

/** Opens a mirror that has written everything. */
async function openLoaded() {
  const opened = open()
  const redis = new HeldRedis(clock)
  opened.last().succeed(redis)
  await settled()
  expect(opened.loads()).toBe(1)
  return { ...opened, redis }
}

const refused = new Error('Redis refuses.')

describe('a mirror', () => {
  it('connects at once, and again and again after pauses that double, to 2 s at most', async () => {
    const { attempts, errors, last } = open()
    const began = clock.now
    const pauses: number[] = []
    for (let turn = 1; turn <= 8; turn++) {
      const failedAt = clock.now
      last().fail(refused)
      for (let waited = 0; waited < 5000 && attempts.length === turn; waited += 50) await clock.pass(50)
      pauses.push(clock.now - failedAt)
    }
    expect(attempts[0]?.at).toBe(began)
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 2000, 2000, 2000])
    expect(errors).toEqual(Array(8).fill(refused))
  })

  it('begins with the shortest pause again after everything was written', async () => {
    const { attempts, last, errors, loads } = open()
    for (let turn = 0; turn < 3; turn++) {
      last().fail(refused)
      await clock.pass(2000)
    }
    last().succeed(new HeldRedis(clock))
    await settled()
    expect(loads()).toBe(1)
    const lost = new Error('The connection was lost.')
    last().lose(lost)
    await clock.pass(99)
    expect(attempts).toHaveLength(4)
    await clock.pass(1)
    expect([attempts.length, errors]).toEqual([5, [refused, refused, refused, lost]])
    last().succeed(new HeldRedis(clock))
    await settled()
    expect(loads()).toBe(2)
  })

  it('does not begin with it where a connection was lost before', async () => {
    const { attempts, last } = open()
    last().fail(refused)
    await clock.pass(100)
    const redis = new HeldRedis(clock)
    redis.holds = true
    last().succeed(redis)
    await settled()
    last().lose(refused)
    await clock.pass(199)
    expect(attempts).toHaveLength(2)
    await clock.pass(1)
    expect(attempts).toHaveLength(3)
  })

  it('needs nobody who hears of it', async () => {
    const { attempts, last } = open({ isSilent: true })
    last().fail(refused)
    await clock.pass(100)
    const redis = new HeldRedis(clock)
    last().succeed(redis)
    await settled()
    // By the time that was asked for at first, and by the one after everything was written.
    expect(redis.grants).toHaveLength(2)
    last().lose(refused)
    await clock.pass(100)
    expect(attempts).toHaveLength(3)
  })

  it('may be told again of a connection that it has given up', async () => {
    const { last, errors } = await openLoaded()
    last().lose(refused)
    await settled()
    expect(() => last().lose(refused)).not.toThrow()
    expect(errors).toEqual([refused])
  })

  it('goes on where the last one stopped: Redis is told how much it has to have', async () => {
    const { redis, last } = await openLoaded()
    expect(redis.batches).toEqual([expect.objectContaining({ after: -1, at: 1, kind: 'first' })])
    last().lose(refused)
    await clock.pass(100)
    const next = new HeldRedis(clock)
    last().succeed(next)
    await settled()
    const [before] = redis.batches
    expect(next.batches).toEqual([
      expect.objectContaining({ node: before?.node, after: 1, at: 2, kind: 'first' }),
    ])
    expect(redis.isOpen).toBe(false)
  })
})

describe('a mirror that is closed', () => {
  it('gives an attempt up, and says nothing of that', async () => {
    const { last, errors, close, isClosed, attempts } = open()
    expect(last().signal.aborted).toBe(false)
    close()
    expect(last().signal.aborted).toBe(true)
    last().fail(new Error('The mirror is closing.'))
    await settled()
    expect([isClosed(), errors]).toEqual([true, []])
    await clock.pass(10_000)
    expect(attempts).toHaveLength(1)
  })

  it('closes a connection that is opened too late, and writes nothing', async () => {
    const { last, close, isClosed } = open()
    close()
    const redis = new HeldRedis(clock)
    last().succeed(redis)
    await settled()
    expect([redis.isOpen, redis.batches, isClosed(), feed.list()]).toEqual([false, [], true, []])
  })

  it('does not wait for its pause to end', async () => {
    const { last, close, isClosed, attempts } = open()
    last().fail(refused)
    await settled()
    close()
    await settled()
    expect([isClosed(), attempts.length]).toEqual([true, 1])
    await clock.pass(10_000)
    expect(attempts).toHaveLength(1)
  })

  it('closes its connection, and follows the feed no more', async () => {
    const { redis, close, isClosed, errors, attempts } = await openLoaded()
    expect(feed.list()).toHaveLength(1)
    close()
    await settled()
    expect([redis.isOpen, feed.list(), isClosed(), errors]).toEqual([false, [], true, []])
    await clock.pass(10_000)
    expect(attempts).toHaveLength(1)
  })

  it('was closed by its node: it opens no new connection', async () => {
    const { redis, errors, attempts, close, isClosed } = await openLoaded()
    void feed.close()
    await clock.pass(2 * leaseMs)
    expect([redis.isOpen, errors]).toEqual([false, []])
    await clock.pass(10_000)
    close()
    await settled()
    expect([attempts.length, isClosed()]).toEqual([1, true])
  })
})
