import { afterEach, describe, expect, it } from '@jest/globals'
import { systemClock } from '../../src/revocation/clock.ts'
import { Feed } from '../../src/revocation/feed.ts'
import { type OpenedMirror, openMirror } from '../../src/revocation/openMirror.ts'
import { RevocationView } from '../../src/revocation/view.ts'
import { freePort } from '../support/freePort.js'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'

/* The mirror as a node opens it, within this process. What a whole node says and does: openMirror.test.ts. */

const redis = useFixture(() => startRedis(['--maxmemory-policy', 'allkeys-lru']))
const evicts = 'Redis may evict revocations when its memory is full: set maxmemory-policy to noeviction.'
const failed = 'Redis can not be kept up to date; trying again.'

let told: [object, string][] = []
const log = {
  info() {},
  warn: (details: object, message: string) => void told.push([details, message]),
  error() {},
}
const messages = () => told.map(([, message]) => message)

/** A node's feed that counts who has attached to it. */
function openFeed() {
  const picture = { ageMs: () => 0, databaseTime: () => Date.now() }
  const options = { view: new RevocationView(), clock: systemClock, leaseMs: 300, ackMs: 500, picture }
  const feed = new Feed(options)
  const counted = {
    attached: 0,
    attach(...all: Parameters<Feed['attach']>) {
      counted.attached++
      return feed.attach(...all)
    },
    close: () => feed.close(),
  }
  return counted
}

let mirror: OpenedMirror
let feed: ReturnType<typeof openFeed>
async function open(redisUrl: string | undefined) {
  told = []
  feed = openFeed()
  mirror = await openMirror({ redisUrl }, log)
}
afterEach(async () => {
  await feed.close()
  await mirror.close()
  await redis.command('FLUSHALL')
})

describe('a mirror', () => {
  it('does nothing where no Redis is set', async () => {
    await open(undefined)
    mirror.start(feed)
    await expect(until(() => feed.attached + told.length, Boolean, 200)).rejects.toThrow('Waited in vain.')
    expect(await mirror.close()).toBeUndefined()
  })

  it('is started once, and keeps "fresh" alive', async () => {
    await open(redis.url)
    mirror.start(feed)
    mirror.start(feed)
    await until(() => redis.get('{annul}:fresh'))
    expect(feed.attached).toBe(1)
    expect(await redis.command('KEYS', '{annul}:at:*')).toHaveLength(1)
  })

  it('is not started after it was closed', async () => {
    await open(redis.url)
    await mirror.close()
    mirror.start(feed)
    await expect(until(() => feed.attached, Boolean, 100)).rejects.toThrow('Waited in vain.')
  })

  it('follows the feed no more when it was closed', async () => {
    await open(redis.url)
    mirror.start(feed)
    await until(() => redis.get('{annul}:fresh'))
    await mirror.close()
    const clients = () => redis.command('CLIENT', 'LIST')
    // The client that asks.
    await until(clients, list => String(list).trim().split('\n').length === 1)
  })

  it('warns of the settings of Redis at the first connection only', async () => {
    await open(redis.url)
    mirror.start(feed)
    await until(() => messages().includes(evicts))
    const connect = async () => {
      await redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
      const attached = feed.attached
      await until(() => feed.attached > attached)
      await redis.command('DEL', '{annul}:fresh')
      await until(() => redis.get('{annul}:fresh'))
    }
    await connect()
    await connect()
    expect(messages().filter(message => message === evicts)).toHaveLength(1)
  })

  it('tells of a Redis that is not there once, however often it is tried', async () => {
    await open(`redis://127.0.0.1:${await freePort()}`)
    mirror.start(feed)
    // By then it has been tried three times: after 100 and 200 ms.
    await expect(until(() => told.length > 1, Boolean, 500)).rejects.toThrow('Waited in vain.')
    expect(told).toEqual([[{ err: expect.objectContaining({ code: 'ECONNREFUSED' }) }, failed]])
  })
})
