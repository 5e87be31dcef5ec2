import { describe, expect, it } from '@jest/globals'
import {
  epochKey,
  freshKey,
  positionKey,
  sessionKey,
  signingKeyKey,
  userKey,
} from '../../src/revocation/mirrorKeys.ts'
import { warnOfRedis } from '../../src/revocation/warnOfRedis.ts'

/** What is said of a Redis with these settings. */
async function warningsOf(settings: Record<string, unknown>) {
  const asked: string[][] = []
  const told: unknown[][] = []
  const command = async (...words: string[]) => {
    asked.push(words)
    const value = settings[words[2] ?? '']
    if (value instanceof Error) throw value
    return value === undefined ? 'OK' : [words[2], value]
  }
  await warnOfRedis({ command } as never, { warn: (...all: unknown[]) => void told.push(all) } as never)
  return { asked, told }
}
const evicts = 'Redis may evict revocations when its memory is full: set maxmemory-policy to noeviction.'
const isOld =
  'Redis may start from a file that is older than its memory: set appendonly to no and save to "", or appendonly to yes and appendfsync to always.'
const safe = { 'maxmemory-policy': 'noeviction', appendonly: 'no', appendfsync: 'everysec', save: '' }

describe('the operator', () => {
  it('is warned of settings by which Redis may lose what it has confirmed, and shown them', async () => {
    const { asked, told } = await warningsOf({ ...safe, 'maxmemory-policy': 'allkeys-lru', save: '3600 1' })
    expect(asked).toEqual(Object.keys(safe).map(name => ['CONFIG', 'GET', name]))
    const settings = { ...safe, 'maxmemory-policy': 'allkeys-lru', save: '3600 1' }
    expect(told).toEqual([
      [settings, evicts],
      [settings, isOld],
    ])
  })

  it.each<[Record<string, unknown>, string[]]>([
    [safe, []],
    [{ ...safe, 'maxmemory-policy': 'volatile-ttl' }, [evicts]],
    [{ ...safe, save: '3600 1' }, [isOld]],
    [{ ...safe, appendonly: 'yes' }, [isOld]],
    [{ ...safe, appendonly: 'yes', appendfsync: 'always' }, []],
    [{ ...safe, appendonly: 'yes', appendfsync: 'always', save: '3600 1' }, []],
    [{ ...safe, appendfsync: 'always', save: '3600 1' }, [isOld]],
    [{}, []],
    [{ save: undefined, appendonly: 'no' }, []],
    [{ appendonly: new Error('NOPERM') }, []],
    [{ 'maxmemory-policy': 'allkeys-lru', save: new Error('NOPERM') }, []],
  ])('of %j is warned of %j', async (settings, warnings) => {
    expect((await warningsOf(settings)).told.map(([, message]) => message)).toEqual(warnings)
  })
})

it('The keys of the mirror are those of docs/redis.md, in one place of a cluster', () => {
  expect([freshKey, epochKey, userKey('a'), sessionKey('b'), signingKeyKey('c'), positionKey('d')]).toEqual([
    '{annul}:fresh',
    '{annul}:epoch',
    '{annul}:user:a',
    '{annul}:session:b',
    '{annul}:key:c',
    '{annul}:at:d',
  ])
})
