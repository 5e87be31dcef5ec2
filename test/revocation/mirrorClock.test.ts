import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { systemClock } from '../../src/revocation/clock.ts'
import { temporaryDirectory } from '../support/database.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { type MirroringNode, revokeSession, startMirroring } from './mirrorNode.ts'
import { openNodes } from './nodes.ts'

/* Redis's clock is set, by libfaketime (Debian's package faketime). Without the library these are listed as skipped. */

const library = readdirSync('/usr/lib', { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => join('/usr/lib', entry.name, 'faketime'))
  .flatMap(folder => {
    try {
      return readdirSync(folder).map(name => join(folder, name))
    } catch {
      return []
    }
  })
  .find(path => path.endsWith('libfaketime.so.1'))

const leaseMs = 600
const nodes = useFixture(openNodes)
let redis: TestRedis
let each: MirroringNode
afterEach(async () => {
  await each.stop()
  await redis.close()
})

const jumped = new Error("Redis's clock was set.")

;(library ? describe : describe.skip)("Redis's clock", () => {
  let file: string
  const open = async () => {
    file = join(await temporaryDirectory(), 'clock')
    writeFileSync(file, '+0')
    redis = await startRedis([], undefined, {
      // Redis brings an allocator that asks for the time before the library is ready: the C library's comes first.
      LD_PRELOAD: `${library} libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    })
    each = await startMirroring(nodes, redis.url, { leaseMs })
    await until(() => redis.get('{annul}:fresh'))
  }
  const clockOf = async () => Number(((await redis.command('TIME')) as string[])[0]) * 1000

  it('may be put ahead by hours: what has ended too early is written again', async () => {
    await open()
    const { sid } = await revokeSession(nodes, each)
    writeFileSync(file, '+10800')
    await until(() => each.errors.length)
    expect(await clockOf()).toBeGreaterThan(Date.now() + 10_000_000)
    await until(() => redis.get('{annul}:fresh'))
    expect(await redis.get(`{annul}:session:${sid}`)).toBe('LOGGED_OUT')
    expect(each.errors).toEqual([jumped])
  })

  it('may be put back by hours: "fresh" is taken away, and given anew for a lease', async () => {
    await open()
    writeFileSync(file, '-10800')
    await until(() => each.errors.length && each.loads === 2)
    expect(each.errors).toEqual([jumped])
    await until(() => redis.get('{annul}:fresh'))
    expect(Number(await redis.command('PTTL', '{annul}:fresh'))).toBeLessThanOrEqual(leaseMs)
  })
})

describe("Redis's clock against the node's", () => {
  it('may run within 5 % of it, and a jump is noticed', async () => {
    redis = await startRedis()
    let offset = 0
    const start = performance.now()
    const clock = { ...systemClock, monotonic: () => start + (performance.now() - start) * 1.03 + offset }
    each = await startMirroring(nodes, redis.url, { leaseMs, clock })
    await until(() => redis.get('{annul}:fresh'))
    await new Promise(resolve => setTimeout(resolve, 3 * leaseMs))
    expect(each.errors).toEqual([])
    // To the node it looks as if Redis's clock had been put back.
    offset = 1000
    await until(() => each.errors.length && each.loads === 2)
    expect(each.errors).toEqual([jumped])
  })
})
