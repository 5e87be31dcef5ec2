import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createClient, createCluster } from '@redis/client'
import { Redis } from 'ioredis'
import { revokeKey } from '../../src/admin/revokeKey.ts'
import { createVerifier, redis as revocationsIn, type Verifier } from '../../src/verify/index.ts'
import { JwksKeys } from '../../src/verify/jwksKeys.ts'
import { NoAnswer } from '../../src/verify/noAnswer.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { silent, verdictOf } from '../support/verifier.ts'

const redis = useFixture(() => startRedis())
const server = useServer(() => ({ env: { ANNUL_REDIS_URL: redis.url } }))

async function connect(to: Pick<TestRedis, 'port'> = redis) {
  const client = createClient({ socket: { host: '127.0.0.1', port: to.port }, RESP: 2 })
  client.on('error', () => {})
  await client.connect()
  return client
}
type Client = Awaited<ReturnType<typeof connect>>

let client: Client
beforeAll(async () => {
  client = await connect()
})
afterAll(() => client.destroy())
beforeEach(() => until(() => redis.get('{annul}:fresh')))

const opened: Verifier[] = []
afterEach(() => Promise.all(opened.splice(0).map(verifier => verifier.close())))

function verifierOf(revocations = revocationsIn(client), keys = `${server.url}/.well-known/jwks.json`) {
  const verifier = createVerifier({ revocations, keys, issuer: 'annul', audience: 'annul', log: silent })
  opened.push(verifier)
  return verifier
}

/** The subject of an accepted token, or what a refusal says. */
async function decide(token: string, verifier = verifierOf()) {
  const decision = await verifier.decide(token)
  return 'userId' in decision ? decision.userId : verdictOf(decision)
}

/** The first decision. On a busy machine the mirror's lease lapses for a moment, in which there is none. */
function settle(token: string, verifier = verifierOf()) {
  return until(
    () => decide(token, verifier),
    verdict => verdict !== 'UNAVAILABLE',
  )
}

describe('a service that reads the mirror', () => {
  it('accepts a token, and refuses it from the moment at which the logout was answered', async () => {
    const verifier = verifierOf()
    for (let turn = 0; turn < 5; turn++) {
      const user = await server.signUp()
      expect(await settle(user.accessToken, verifier)).toBe(user.userId)
      await server.send('mutation { logout }', { token: user.accessToken })
      expect(await settle(user.accessToken, verifier)).toBe('LOGGED_OUT')
    }
  })

  it('gives the reason of a user, of everybody and of a key, the widest first', async () => {
    const { accessToken } = await server.signUp()
    const claims = { sub: 'user', sid: 'session', ver: 3, epoch: 5 }
    const revocations = revocationsIn(client)
    const verdict = () => revocations.verdict(claims, 'key')
    expect(await verdict()).toBeUndefined()
    for (const [key, value, reason] of [
      ['session:session', 'SESSION_REVOKED', 'SESSION_REVOKED'],
      ['user:user', '3 PASSWORD_CHANGED', 'SESSION_REVOKED'],
      ['user:user', '4 PASSWORD_CHANGED', 'PASSWORD_CHANGED'],
      ['user:user', '10 PASSWORD_CHANGED', 'PASSWORD_CHANGED'],
      ['epoch', '5', 'PASSWORD_CHANGED'],
      ['epoch', '10', 'EVERYTHING_REVOKED'],
      ['key:key', 'KEY_REVOKED', 'KEY_REVOKED'],
    ] as const) {
      await redis.command('SET', `{annul}:${key}`, value)
      expect([key, value, await verdict()]).toEqual([key, value, reason])
    }
    expect(await settle(accessToken)).toBe('EVERYTHING_REVOKED')
    await redis.command('FLUSHALL')
  })

  it('decides nothing without "fresh", and nothing by what Annul has not written', async () => {
    const claims = { sub: 'user', sid: null, ver: 3, epoch: 5 }
    const revocations = revocationsIn(async words => {
      const [, , ...values] = words
      return words[0] === 'ROLE'
        ? ['master']
        : [answers[0], ...values.map((_, index) => answers[index + 1] ?? null)]
    })
    const now = String(Date.now())
    let answers: (string | null)[] = [now]
    expect(await revocations.verdict(claims, 'key')).toBeUndefined()
    for (answers of [
      [null],
      [null, null, '9 USER_BLOCKED'],
      ['soon'],
      [now, 'many'],
      [now, null, 'x USER_BLOCKED'],
    ])
      await expect(revocations.verdict(claims, 'key')).rejects.toBeInstanceOf(NoAnswer)
    // A reason of a later version refuses as well.
    answers = [now, null, '9 SOMETHING_NEW']
    expect(await revocations.verdict(claims, 'key')).toBe('SESSION_REVOKED')
  })

  it('answers UNAVAILABLE while Redis hangs, and after a second', async () => {
    const { accessToken, userId } = await server.signUp()
    const verifier = verifierOf()
    expect(await settle(accessToken, verifier)).toBe(userId)
    redis.pause()
    try {
      const since = performance.now()
      expect(await decide(accessToken, verifier)).toBe('UNAVAILABLE')
      expect(performance.now() - since).toBeGreaterThan(900)
    } finally {
      redis.resume()
    }
    await until(() => redis.get('{annul}:fresh'))
    expect(await settle(accessToken, verifier)).toBe(userId)
  })

  it('refuses forged, foreign and expired tokens without asking about them', async () => {
    const { accessToken } = await server.signUp()
    const asked: string[][] = []
    const revocations = revocationsIn(words => {
      // The verifier looks at `fresh` alone once a second.
      if (words.length > 2) asked.push(words)
      return client.sendCommand(words)
    })
    const verifier = verifierOf(revocations)
    await decide(accessToken, verifier)
    expect(asked.length).toBe(1)
    const before = asked.length
    const [header, payload] = accessToken.split('.')
    expect(await settle(`${header}.${payload}.AAAA`, verifier)).toBe('TOKEN_INVALID')
    expect(await settle('nonsense', verifier)).toBe('TOKEN_INVALID')
    expect(asked.length).toBe(before)
  })

  it('is not misled by a clock of its own that is hours behind or ahead', async () => {
    const { accessToken, userId } = await server.signUp()
    const real = Date.now
    try {
      for (const hours of [-5, 5]) {
        Date.now = () => real() + hours * 3_600_000
        const revocations = revocationsIn(client)
        await revocations.look()
        expect(Math.abs(Number(revocations.now()) * 1000 - real())).toBeLessThan(70_000)
        expect(await settle(accessToken, verifierOf(revocations))).toBe(userId)
      }
    } finally {
      Date.now = real
    }
  })
})

describe('clients of Redis', () => {
  it('may be ioredis', async () => {
    const { accessToken, userId } = await server.signUp()
    const other = new Redis(redis.port, '127.0.0.1')
    try {
      const verifier = verifierOf(revocationsIn(other))
      expect(await settle(accessToken, verifier)).toBe(userId)
      await server.send('mutation { logout }', { token: accessToken })
      expect(await settle(accessToken, verifier)).toBe('LOGGED_OUT')
    } finally {
      other.disconnect()
    }
  })

  it('must be clients', () => {
    expect(() => revocationsIn({} as never)).toThrow(TypeError)
  })

  it('of a replica are refused', async () => {
    const replica = await startRedis()
    const other = await connect(replica)
    try {
      await replica.command('REPLICAOF', '127.0.0.1', redis.port)
      await until(() => replica.get('{annul}:fresh'))
      const { accessToken } = await server.signUp()
      expect(await decide(accessToken, verifierOf(revocationsIn(other)))).toBe('UNAVAILABLE')
      // Nothing is known of the role where ROLE is forbidden: the documentation says to read the primary.
      await replica.command('ACL', 'SETUSER', 'default', '-role')
      expect(await decide(accessToken, verifierOf(revocationsIn(other)))).not.toBe('UNAVAILABLE')
    } finally {
      other.destroy()
      await replica.close()
    }
  })
})

describe('a cluster', () => {
  let cluster: TestRedis
  afterEach(() => cluster.close())

  it('keeps all keys in one place, whose primary is asked', async () => {
    cluster = await startRedis(['--cluster-enabled', 'yes'])
    await cluster.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16383)
    await until(
      () => cluster.command('CLUSTER', 'INFO'),
      info => String(info).includes('cluster_state:ok'),
    )
    const [first, ...others] = await Promise.all(
      ['fresh', 'epoch', 'user:a', 'session:b', 'key:c', 'at:d'].map(name =>
        cluster.command('CLUSTER', 'KEYSLOT', `{annul}:${name}`),
      ),
    )
    for (const slot of others) expect(slot).toBe(first)
    const reader = createCluster({ rootNodes: [{ url: cluster.url }] })
    await reader.connect()
    try {
      await cluster.command('SET', '{annul}:fresh', String(Date.now()))
      await cluster.command('SET', '{annul}:session:b', 'LOGGED_OUT')
      const claims = { sub: 'a', sid: 'b', ver: 1, epoch: 1 }
      expect(await revocationsIn(reader).verdict(claims, 'c')).toBe('LOGGED_OUT')
    } finally {
      reader.destroy()
    }
  })
})

describe('keys at a URL', () => {
  const url = () => new URL(`${server.url}/.well-known/jwks.json`)

  it('are asked for at most once a second because of unknown keys, which all wait for the same reading', async () => {
    const keys = new JwksKeys(url())
    const since = performance.now()
    await keys.refresh()
    expect(keys.version).toBe(1)
    await keys.refresh()
    expect(keys.version).toBe(1)
    await Promise.all(Array.from({ length: 50 }, () => keys.refreshForUnknown()))
    expect(performance.now() - since).toBeGreaterThan(990)
    expect(keys.version).toBe(2)
  })

  it('are read after the token came: a key that signs at once, after a revocation, is known', async () => {
    const verifier = verifierOf(revocationsIn(client), `${server.url}/.well-known/jwks.json`)
    const { accessToken, userId, email, password } = await server.signUp()
    expect(await settle(accessToken, verifier)).toBe(userId)
    const [header, ...rest] = accessToken.split('.')
    const invented = { ...JSON.parse(Buffer.from(String(header), 'base64url').toString()), kid: randomUUID() }
    const forged = [Buffer.from(JSON.stringify(invented)).toString('base64url'), ...rest].join('.')
    // Somebody keeps the keys read just now, all the time.
    expect(await settle(forged, verifier)).toBe('TOKEN_INVALID')
    await revokeKey(server.auth.parts, undefined)
    const { accessToken: next } = await server.login({ email, password })
    // Both come while no reading is allowed, the second while the reading of the first is awaited.
    expect(await Promise.all([next, next].map(token => settle(token, verifier)))).toEqual([userId, userId])
    // Its key is no longer at the URL.
    expect(await settle(accessToken, verifier)).toBe('KEY_REVOKED')
  })

  it('that can not be read when a token names an unknown one sign nobody out', async () => {
    const source = createServer((_request, response) => {
      if (isDown) return response.writeHead(503).end()
      return response.end(JSON.stringify(server.auth.parts.keys.jwks()))
    }).listen(0, '127.0.0.1')
    let isDown = false
    try {
      await once(source, 'listening')
      const verifier = verifierOf(
        revocationsIn(client),
        `http://127.0.0.1:${(source.address() as AddressInfo).port}/`,
      )
      const { accessToken, userId, email, password } = await server.signUp()
      expect(await settle(accessToken, verifier)).toBe(userId)
      isDown = true
      await revokeKey(server.auth.parts, undefined)
      const { accessToken: next } = await server.login({ email, password })
      for (let turn = 0; turn < 2; turn++) expect(await decide(next, verifier)).toBe('UNAVAILABLE')
      isDown = false
      expect(await settle(next, verifier)).toBe(userId)
    } finally {
      source.close()
    }
  })

  it('that can not be read verify nothing', async () => {
    const { accessToken } = await server.signUp()
    const { origin } = url()
    for (const other of [`${origin}/nothing`, 'http://127.0.0.1:9/', `${origin}/healthz`])
      expect(await decide(accessToken, verifierOf(revocationsIn(client), other))).toBe('UNAVAILABLE')
  })
})
