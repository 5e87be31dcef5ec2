import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createClient } from '@redis/client'
import { type NodeProxy, startProxy } from '../support/proxy.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { type MirroringNode, type RevokedSession, revokeSession, startMirroring } from './mirrorNode.ts'
import { openNodes } from './nodes.ts'

const leaseMs = 600
/** The barrier's longest wait, and what a busy machine adds. */
const boundMs = 1.05 * leaseMs + 3000

const nodes = useFixture(openNodes)
let redis: TestRedis
let nodeA: MirroringNode
let nodeB: MirroringNode
let reader: Reader

/** @param url where the mirrors find it; default: directly */
const open = async (started: TestRedis, url = started.url) => {
  redis = started
  nodeA = await startMirroring(nodes, url, { leaseMs })
  nodeB = await startMirroring(nodes, url, { leaseMs })
  await until(() => redis.get('{annul}:fresh'))
  reader = new Reader(() => redis.port)
}

afterEach(async () => {
  redis.resume()
  await reader.stop()
  await Promise.all([nodeA.stop(), nodeB.stop()])
  await redis.close()
  await nodes.sql`delete from annul.revocations`
})

describe('while services read Redis', () => {
  beforeEach(async () => open(await startRedis()))

  it('nothing is accepted late, and a paused Redis holds up revocations for a lease at most', async () => {
    const ended: RevokedSession[] = []
    for (let round = 0; round < 3; round++) {
      redis.pause()
      ended.push(...(await revokeMany(6)))
      redis.resume()
      await until(() => redis.get('{annul}:fresh'))
    }
    for (const { waitedMs } of ended) expect(waitedMs).toBeLessThan(boundMs)
    // While Redis hangs and nobody is fresh any more, a revocation waits for nobody.
    redis.pause()
    await delay(2 * leaseMs)
    const late = await revokeMany(5)
    expect(Math.min(...late.map(({ waitedMs }) => waitedMs))).toBeLessThan(leaseMs)
    redis.resume()
    await until(() => redis.get('{annul}:fresh'))
    expect(reader.acceptedLate()).toEqual([])
    expect(reader.decided).toBeGreaterThan(0)
  })

  it('a revocation does not return while Redis hangs and "fresh" may live', async () => {
    // A node that has just connected waits in full, whatever the mirror says.
    await delay(2 * leaseMs)
    const read = performance.now()
    const left = Number(await redis.command('PTTL', '{annul}:fresh'))
    redis.pause()
    await revokeSession(nodes, nodeA)
    expect(performance.now()).toBeGreaterThan(read + left)
  })

  it('nothing is accepted late where Redis is killed, and comes back empty', async () => {
    for (let round = 0; round < 2; round++) {
      const [, ended] = await Promise.all([redis.kill(), revokeMany(6)])
      for (const { waitedMs } of ended) expect(waitedMs).toBeLessThan(boundMs)
      await redis.start()
      await until(() => redis.get('{annul}:fresh'))
      for (const { sid } of ended) expect(await redis.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
    }
    expect(reader.acceptedLate()).toEqual([])
  })

  it('nothing is accepted late where Redis is emptied again and again', async () => {
    for (let round = 0; round < 5; round++) {
      await Promise.all([revokeMany(2), redis.command('FLUSHALL')])
      await until(() => redis.get('{annul}:fresh'))
    }
    expect(reader.acceptedLate()).toEqual([])
    expect(reader.decided).toBeGreaterThan(0)
  })
})

describe('where Redis starts from an older file', () => {
  beforeEach(async () => open(await startRedis()))

  it('what the file lacks is there again before "fresh", or a lease has passed', async () => {
    await revokeMany(3)
    await redis.command('SAVE')
    const ended = await revokeMany(3)
    await redis.kill()
    await redis.start()
    const restarted = performance.now()
    // The file has brought back a position of before.
    expect(await redis.command('KEYS', '{annul}:at:*')).toHaveLength(2)
    await until(async () => (await redis.get('{annul}:fresh')) !== null && loaded() > 2)
    for (const { sid } of ended) expect(await redis.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
    expect(reader.acceptedLate().filter(({ at }) => at > restarted + 1.05 * leaseMs)).toEqual([])
  })
})

describe('where a replica takes over that lacks the last writes', () => {
  let replica: TestRedis
  let toReplica: NodeProxy
  let toRedis: NodeProxy
  const target = { host: '127.0.0.1', port: 0 }

  beforeAll(async () => {
    replica = await startRedis()
    toRedis = await startProxy(target, 'other')
  })
  beforeEach(async () => {
    const primary = await startRedis()
    target.port = primary.port
    toReplica = await startProxy({ host: '127.0.0.1', port: primary.port }, 'other')
    await replica.command('REPLICAOF', '127.0.0.1', toReplica.port)
    await open(primary, `redis://127.0.0.1:${toRedis.port}`)
    await until(() => replica.get('{annul}:fresh'))
  })
  afterAll(async () => {
    await Promise.all([toRedis.close(), toReplica.close()])
    await replica.close()
  })

  it('at most a lease passes until nobody decides without them', async () => {
    const before = await revokeMany(2)
    await until(() => replica.get(`{annul}:session:${before.at(-1)?.sid}`))
    // What the primary writes from now on never reaches the replica.
    toReplica.set('drop')
    const ended = await revokeMany(3)
    for (const { sid } of ended) expect(await replica.get(`{annul}:session:${sid}`)).toBeNull()
    await redis.kill()
    await replica.command('REPLICAOF', 'NO', 'ONE')
    const promoted = performance.now()
    reader.follow(() => replica.port)
    target.port = replica.port
    toRedis.set('cut')
    toRedis.set('forward')
    await until(async () => (await replica.get('{annul}:fresh')) !== null && loaded() > 2)
    for (const { sid } of [...before, ...ended])
      expect(await replica.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
    expect(reader.acceptedLate().filter(({ at }) => at > promoted + 1.05 * leaseMs)).toEqual([])
    const [late] = await revokeMany(1)
    expect(await replica.get(`{annul}:session:${late?.sid}`)).toBe('LOGGED_OUT')
  })
})

function loaded(): number {
  return nodeA.loads + nodeB.loads
}

/** Revokes by both nodes, one after the other, and lets the reader ask for each of them at once. */
async function revokeMany(count: number): Promise<RevokedSession[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const ended = await revokeSession(nodes, index % 2 ? nodeA : nodeB)
      reader.ended.push({ sid: ended.sid, returned: performance.now() })
      return ended
    }),
  )
}

interface Acceptance {
  readonly sid: string
  /** When the reader asked. */
  readonly at: number
}

/** A service: asks without pause about sessions whose revocation has returned. */
class Reader {
  readonly ended: { readonly sid: string; readonly returned: number }[] = []
  /** How often `fresh` was there. */
  decided = 0
  readonly #accepted: Acceptance[] = []
  #port: () => number
  #isOver = false
  readonly #running: Promise<void>

  constructor(port: () => number) {
    this.#port = port
    this.#running = this.#run()
  }

  follow(port: () => number): void {
    this.#port = port
  }

  acceptedLate(): Acceptance[] {
    return this.#accepted
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const port = this.#port()
      const client = createClient({
        socket: { host: '127.0.0.1', port, reconnectStrategy: false },
        disableOfflineQueue: true,
      })
      client.on('error', () => {})
      try {
        await client.connect()
        while (!this.#isOver && port === this.#port()) await this.#ask(client)
      } catch {
        // Redis was killed, or hangs.
      }
      client.destroy()
      await delay(5)
    }
  }

  async #ask(client: Pick<ReturnType<typeof createClient>, 'sendCommand'>): Promise<void> {
    const at = performance.now()
    const known = this.ended.slice(-20)
    const keys = known.map(({ sid }) => `{annul}:session:${sid}`)
    const asked = client.sendCommand(['MGET', '{annul}:fresh', ...keys]) as Promise<(string | null)[]>
    const answer = await Promise.race([asked, delay(1000)])
    if (answer === undefined) throw new Error('Redis hangs.')
    const [fresh, ...reasons] = answer
    if (fresh === null) return
    this.decided++
    for (const [index, reason] of reasons.entries())
      if (reason === null) this.#accepted.push({ sid: String(known[index]?.sid), at })
  }
}
