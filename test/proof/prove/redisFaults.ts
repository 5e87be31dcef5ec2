import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '@redis/client'
import type { Revoked } from '../../support/linearizability.ts'
import type { TestRedis } from '../../support/redis.ts'
import { until } from '../../support/until.ts'
import type { Fault } from './faults.ts'
import type { Trial } from './trial.ts'

/** What goes wrong with the Redis that the nodes mirror in, while a service reads it. */
export function redisFaults(redis: TestRedis): Record<string, Fault> {
  const isFresh = () => redis.get('{annul}:fresh').catch(() => null)
  const whileRead = async (trial: Trial, cause: () => Promise<void>) => {
    await until(isFresh)
    const reading = read(redis, trial)
    await cause()
    await until(isFresh)
    await trial.revoked(4)
    const { decided, missing } = await reading.stop()
    if (decided === 0) throw new Error('Nobody could decide by Redis.')
    if (missing.length > 0) throw new Error(`Beside "fresh" Redis lacked ${missing.join(', ')}.`)
  }
  return {
    'Redis is stopped past the lease and continued': ({ cluster }, trial) =>
      whileRead(trial, async () => {
        for (const leases of [0.5, 1.2, 2]) {
          redis.pause()
          await Promise.all([delay(leases * cluster.leaseMs), trial.revoked(4)])
          redis.resume()
          await until(isFresh)
        }
      }),
    'Redis is killed, and starts empty': (_, trial) =>
      whileRead(trial, async () => {
        for (let round = 0; round < 2; round++) {
          await redis.kill()
          await trial.revoked(4)
          await redis.start()
          await until(isFresh)
        }
      }),
  }
}

/** A service: asks without pause about what was revoked last, and notes what is missing beside `fresh`. */
function read(redis: TestRedis, { records }: Trial) {
  const missing: string[] = []
  let decided = 0
  let isOver = false
  const ask = async (send: (words: string[]) => Promise<unknown>) => {
    const returned = records.revocations.filter(revocation => revocation.returned !== undefined).slice(-20)
    const keys = returned.map(({ what }) => keyOf(what))
    const values = await Promise.race([send(['MGET', '{annul}:fresh', ...keys]), delay(1000)])
    if (!Array.isArray(values)) throw new Error('Redis hangs.')
    const [fresh, ...found] = values
    if (fresh === null) return
    decided++
    for (const [index, { what }] of returned.entries())
      if (!isRevoked(what, found[index])) missing.push(keyOf(what))
  }
  const run = async () => {
    for (; !isOver; await delay(5)) {
      const client = createClient({
        socket: { host: '127.0.0.1', port: redis.port, reconnectStrategy: false },
        disableOfflineQueue: true,
      })
      client.on('error', () => {})
      try {
        await client.connect()
        for (; !isOver; await delay(2)) await ask(words => client.sendCommand(words))
      } catch {
        // Redis was killed, or hangs.
      }
      client.destroy()
    }
  }
  const running = run()
  return {
    async stop() {
      isOver = true
      await running
      return { decided, missing }
    },
  }
}

function keyOf(what: Revoked): string {
  if (what.kind === 'session') return `{annul}:session:${what.session}`
  return what.kind === 'user' ? `{annul}:user:${what.user}` : '{annul}:epoch'
}

function isRevoked(what: Revoked, value: unknown): boolean {
  if (typeof value !== 'string') return false
  if (what.kind === 'session') return true
  return Number.parseInt(value, 10) >= (what.kind === 'user' ? what.minVersion : what.minEpoch)
}
