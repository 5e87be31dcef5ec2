import { randomUUID } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { type RedisConnection, type RedisStore, redisStore } from '../../src/revocation/mirrorRedis.ts'
import type { Revocation } from '../../src/revocation/view.ts'
import { freePort } from '../support/freePort.js'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'

/* One connection to Redis, and each thing that Redis carries out in one step. */

const redis = useFixture(() => startRedis())
const hourMs = 3_600_000

const open: RedisConnection[] = []
const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(async () => {
  for (const connection of open.splice(0)) connection.close()
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
  await redis.command('FLUSHALL')
})

async function connect(
  store: RedisStore = redisStore(redis.url),
  onLost: (error: unknown) => void = () => {},
  signal = new AbortController().signal,
) {
  const connection = await store.connect(onLost, signal)
  open.push(connection)
  return connection
}

/**
 * A server that speaks as Redis does, and says what the test wants.
 *
 * @param answer to the words of a command; undefined: none
 */
async function listen(answer: (words: string[]) => string | undefined, host = '127.0.0.1') {
  const received: string[][] = []
  let connections = 0
  const server = createServer(socket => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', data => {
      // Commands arrive whole here: `*2` before each, and `$<length>` before each word.
      for (const command of String(data).split(/(?=\*\d+\r\n)/)) {
        const words = command.split('\r\n').filter((_, at) => at > 0 && at % 2 === 0)
        received.push(words)
        const text = answer(words)
        if (text !== undefined) socket.write(`${text}\r\n`)
      }
    })
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const address = server.address()
  const port = typeof address === 'object' ? Number(address?.port) : 0
  return {
    port,
    url: `redis://${host.includes(':') ? `[${host}]` : host}:${port}`,
    received,
    connections: () => connections,
  }
}

/** Puts another function in the place of setTimeout meanwhile. */
async function withTimers(
  after: (call: () => void, milliseconds?: number) => unknown,
  work: () => Promise<void>,
): Promise<void> {
  const real = globalThis.setTimeout
  globalThis.setTimeout = Object.assign(after, real) as typeof setTimeout
  try {
    await work()
  } finally {
    globalThis.setTimeout = real
  }
}

const time = (seconds: string, microseconds: string) =>
  `*2\r\n$${seconds.length}\r\n${seconds}\r\n$${microseconds.length}\r\n${microseconds}`

describe('a connection', () => {
  it('is opened by nothing but the settings of the URL', async () => {
    const server = await listen(() => '+OK')
    const url = server.url.replace('//', '//user:word@')
    const connection = await connect(redisStore(`${url}/3`))
    await connection.command('PING')
    expect(server.received).toEqual([['AUTH', 'user', 'word'], ['SELECT', '3'], ['PING']])
  })

  it('that is lost is told, opened by nobody again, and takes no command', async () => {
    const server = await listen(() => '+OK')
    const lost: unknown[] = []
    const connection = await connect(redisStore(server.url), error => lost.push(error))
    for (const socket of sockets) socket.destroy()
    await until(() => lost.length)
    expect(lost).toEqual([expect.any(Error)])
    await expect(connection.command('PING')).rejects.toThrow()
    await expect(until(() => server.connections() > 1, Boolean, 200)).rejects.toThrow('Waited in vain.')
  })

  it('that can not be opened fails, and is no connection that was lost', async () => {
    const lost: unknown[] = []
    const store = redisStore(`redis://127.0.0.1:${await freePort()}`)
    await expect(connect(store, error => lost.push(error))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(lost).toEqual([])
  })

  it('is not opened where Redis refuses the password', async () => {
    const server = await listen(() => '-WRONGPASS invalid username-password pair or user is disabled.')
    const store = redisStore(server.url.replace('//', '//user:word@'))
    await expect(connect(store)).rejects.toThrow('WRONGPASS')
    await until(() => sockets.size === 0)
  })

  it('is not tried after its attempt was given up', async () => {
    const server = await listen(() => '+OK')
    const store = redisStore(server.url)
    await expect(connect(store, undefined, AbortSignal.abort())).rejects.toThrow('The mirror is closing.')
    expect(server.connections()).toBe(0)
  })

  it('is given up at once while Redis does not answer', async () => {
    await withTimers(
      () => undefined,
      async () => {
        const server = await listen(() => undefined)
        const closing = new AbortController()
        const opening = connect(redisStore(server.url.replace('//', '//:word@')), undefined, closing.signal)
        opening.catch(() => {})
        while (server.received.length === 0) await new Promise(resolve => setImmediate(resolve))
        closing.abort()
        await expect(opening).rejects.toThrow()
      },
    )
  })

  it('is given up after 5 s', async () => {
    const real = globalThis.setTimeout
    const times: unknown[] = []
    const early = (call: () => void, milliseconds = 0) => {
      times.push(milliseconds)
      return real(call, milliseconds / 100)
    }
    await withTimers(early, async () => {
      const server = await listen(() => undefined)
      await expect(connect(redisStore(server.url.replace('//', '//:word@')))).rejects.toThrow()
    })
    expect(times).toContain(5000)
  })

  it('that is open has nothing to do with what gave attempts up', async () => {
    const closing = new AbortController()
    const connection = await connect(undefined, undefined, closing.signal)
    closing.abort()
    expect(await connection.command('PING')).toBe('PONG')
  })
})

describe("Redis's time", () => {
  it('is in milliseconds, rounded down', async () => {
    const server = await listen(() => time('1700000000', '123999'))
    expect(await (await connect(redisStore(server.url))).time()).toBe(1_700_000_000_123)
  })

  it('is that of Redis', async () => {
    const connection = await connect()
    const before = Date.now()
    const told = await connection.time()
    // Both run on one machine here.
    expect(told).toBeGreaterThanOrEqual(before)
    expect(told).toBeLessThanOrEqual(Date.now())
  })

  it.each([
    ['no time', '+OK'],
    ['no numbers', time('today', 'noon')],
    ['nothing', '*0'],
  ])('is refused where it is %s', async (_, answer) => {
    const server = await listen(() => answer)
    await expect((await connect(redisStore(server.url))).time()).rejects.toThrow(
      'Redis did not tell its time.',
    )
  })
})

describe('a node of a cluster', () => {
  const moved = (to: string) => `-MOVED 3999 ${to}`

  it('that does not have the keys leads to the one that has, and the attempt after that begins anew', async () => {
    const owner = await listen(() => '+OK')
    const lacks = await listen(() => moved(`127.0.0.1:${owner.port}`))
    const store = redisStore(`${lacks.url}/0`)
    const first = await connect(store)
    await expect(first.command('GET', 'a')).rejects.toThrow('MOVED')
    expect(await (await connect(store)).command('GET', 'b')).toBe('OK')
    expect([lacks.received, owner.received]).toEqual([[['GET', 'a']], [['GET', 'b']]])
    await connect(store)
    expect([lacks.connections(), owner.connections()]).toEqual([2, 1])
  })

  it('that names no host means its own', async () => {
    const owner = await listen(() => '+OK')
    const lacks = await listen(() => moved(`:${owner.port}`))
    const store = redisStore(lacks.url)
    await expect((await connect(store)).command('GET', 'a')).rejects.toThrow('MOVED')
    expect(await (await connect(store)).command('GET', 'a')).toBe('OK')
  })

  it.each([
    ['::1', '127.0.0.1'],
    ['127.0.0.1', '::1'],
  ])('may name an address of the other family: %s, and not %s', async (address, own) => {
    const owner = await listen(() => '+OK', address)
    const lacks = await listen(() => moved(`${address}:${owner.port}`), own)
    const store = redisStore(lacks.url)
    await expect((await connect(store)).command('GET', 'a')).rejects.toThrow('MOVED')
    expect(await (await connect(store)).command('GET', 'a')).toBe('OK')
  })

  it('is believed the first time on each connection', async () => {
    const [owner, other] = [await listen(() => '+OK'), await listen(() => '+OK')]
    const targets = [owner.port, other.port]
    const lacks = await listen(() => moved(`127.0.0.1:${targets.shift()}`))
    const store = redisStore(lacks.url)
    const connection = await connect(store)
    for (let turn = 0; turn < 2; turn++) await expect(connection.command('GET', 'a')).rejects.toThrow('MOVED')
    await connect(store)
    expect([owner.connections(), other.connections()]).toEqual([1, 0])
  })

  it.each(['-ERR MOVED 3999 127.0.0.1:1', '-MOVED 3999 127.0.0.1:1 or so', '-LOADING Redis is loading'])(
    'is asked again after another error: %s',
    async error => {
      const server = await listen(() => error)
      const store = redisStore(server.url)
      await expect((await connect(store)).command('GET', 'a')).rejects.toThrow(error.slice(1))
      await connect(store)
      expect(server.connections()).toBe(2)
    },
  )
})

describe('what a node writes', () => {
  const node = randomUUID()
  const [session, user, key] = [randomUUID(), randomUUID(), randomUUID()]
  const at = `{annul}:at:${node}`
  const revokedAt = 1_700_000_000_000
  const batch = (after: number, kind: 'first' | 'distrust' | 'next', entries: Revocation[] = []) => ({
    ...{ node, entries, after, at: after + 1, kind },
  })
  const life = async (name: string) => Number(await redis.command('PTTL', name))
  const ofUser = (minVersion: number, reason: Revocation['reason']): Revocation => ({
    ...{ kind: 'user', subject: user, minVersion, reason, revokedAt },
  })

  it('stands there under a key for each entry, for two hours or for ever', async () => {
    const connection = await connect()
    const entries: Revocation[] = [
      { kind: 'session', subject: session, reason: 'LOGGED_OUT', revokedAt },
      ofUser(4, 'PASSWORD_CHANGED'),
      { kind: 'key', subject: key, reason: 'KEY_REVOKED', revokedAt },
      { kind: 'everyone', minVersion: 2, reason: 'EVERYTHING_REVOKED', revokedAt },
    ]
    expect(await connection.write(batch(0, 'first', entries))).toBe(true)
    const all = await redis.all()
    expect(Object.fromEntries(Object.entries(all).map(([name, { value }]) => [name, value]))).toEqual({
      [at]: '1',
      [`{annul}:session:${session}`]: 'LOGGED_OUT',
      [`{annul}:user:${user}`]: '4 PASSWORD_CHANGED',
      [`{annul}:key:${key}`]: 'KEY_REVOKED',
      '{annul}:epoch': '2',
    })
    for (const name of [`session:${session}`, `user:${user}`]) {
      const left = all[`{annul}:${name}`]?.lifeMs
      expect(left).toBeGreaterThan(2 * hourMs - 60_000)
      expect(left).toBeLessThanOrEqual(2 * hourMs)
    }
    for (const name of [`key:${key}`, 'epoch']) expect(all[`{annul}:${name}`]?.lifeMs).toBe(-1)
    expect(all[at]?.lifeMs).toBeGreaterThan(24 * hourMs - 60_000)
  })

  it('needs no subject and no version where there is none', async () => {
    const connection = await connect()
    await connection.write(
      batch(0, 'first', [{ kind: 'session', reason: 'LOGGED_OUT', revokedAt } as Revocation]),
    )
    await connection.write(batch(1, 'next', [{ ...ofUser(0, 'USER_BLOCKED'), minVersion: undefined }]))
    expect(await redis.get('{annul}:session:')).toBe('LOGGED_OUT')
    expect(await redis.get(`{annul}:user:${user}`)).toBe('0 USER_BLOCKED')
  })

  it('only raises a version', async () => {
    const connection = await connect()
    await connection.write(batch(0, 'first', [ofUser(9, 'PASSWORD_CHANGED')]))
    await connection.write(batch(1, 'next', [ofUser(8, 'USER_BLOCKED')]))
    expect(await redis.get(`{annul}:user:${user}`)).toBe('9 PASSWORD_CHANGED')
    await connection.write(batch(2, 'next', [ofUser(10, 'USER_BLOCKED')]))
    expect(await redis.get(`{annul}:user:${user}`)).toBe('10 USER_BLOCKED')
  })

  it('is not written on top of a batch that is gone, and takes "fresh" away', async () => {
    const connection = await connect()
    expect(await connection.write(batch(0, 'first'))).toBe(true)
    await redis.command('SET', '{annul}:fresh', '1')
    const entries: Revocation[] = [{ kind: 'session', subject: session, reason: 'LOGGED_OUT', revokedAt }]
    expect(await connection.write(batch(2, 'next', entries))).toBe(false)
    expect(Object.keys(await redis.all())).toEqual([at])
  })

  it('begins again by a first batch, and "fresh" stays where nothing was lost', async () => {
    const connection = await connect()
    await connection.write(batch(0, 'first'))
    await redis.command('SET', '{annul}:fresh', '1')
    expect(await connection.write(batch(1, 'first'))).toBe(true)
    expect(await redis.get('{annul}:fresh')).toBe('1')
    expect(await connection.write(batch(2, 'distrust'))).toBe(true)
    expect([await redis.get('{annul}:fresh'), await redis.get(at)]).toEqual([null, '3'])
  })

  it('lets "fresh" live until a moment of Redis, later and never earlier', async () => {
    const connection = await connect()
    await connection.write(batch(0, 'first'))
    expect(await connection.freshUntil()).toBeUndefined()
    const until = (await connection.time()) + 60_000
    const grant = (more: object) => connection.grant({ node, at: 1, until, time: 123, ...more })
    expect(await grant({})).toBe(true)
    expect(await redis.get('{annul}:fresh')).toBe('123')
    expect(Math.abs(Number(await connection.freshUntil()) - until)).toBeLessThanOrEqual(5)
    expect(await life('{annul}:fresh')).toBeLessThanOrEqual(60_000)
    expect(await grant({ until: until - 30_000, time: 124 })).toBe(true)
    expect(await redis.get('{annul}:fresh')).toBe('123')
    expect(await grant({ until: until + 30_000, time: 125 })).toBe(true)
    expect(await redis.get('{annul}:fresh')).toBe('125')
    expect(Math.abs(Number(await connection.freshUntil()) - until - 30_000)).toBeLessThanOrEqual(5)
    // An older position of the node: it has written more since.
    expect(await grant({ at: 0 })).toBe(false)
    expect(await redis.get('{annul}:fresh')).toBe('125')
    // Something that the node has written is gone.
    expect(await grant({ at: 2 })).toBe(false)
    expect(await redis.get('{annul}:fresh')).toBeNull()
  })

  it('lets the position of the node live on with "fresh"', async () => {
    const connection = await connect()
    await connection.write(batch(0, 'first'))
    await redis.command('PEXPIRE', at, 60_000)
    await connection.grant({ node, at: 1, until: (await connection.time()) + 60_000, time: 1 })
    expect(await life(at)).toBeGreaterThan(24 * hourMs - 60_000)
  })
})
