import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { makeExecutableSchema } from '@graphql-tools/schema'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createClient } from '@redis/client'
import express from 'express'
import { fastify } from 'fastify'
import { graphql } from 'graphql'
import { revokeKey } from '../../src/admin/revokeKey.ts'
import { unavailable } from '../../src/errors.ts'
import { guardSchema } from '../../src/verify/graphql.ts'
import {
  createVerifier,
  type GuardedRequest,
  type RedisVerifierOptions,
  redis as revocationsIn,
  type Verifier,
} from '../../src/verify/index.ts'
import { startRedis } from '../support/redis.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { decided, silent, verdictOf } from '../support/verifier.ts'

/* createVerifier by the mirror in Redis: the same verifier as by the feed. */

const redis = useFixture(() => startRedis())
const server = useServer(() => ({ env: { ANNUL_REDIS_URL: redis.url } }))
let client: Awaited<ReturnType<typeof connect>>
beforeAll(async () => {
  client = await connect()
})
afterAll(() => client.destroy())
async function connect() {
  const opened = createClient({ url: redis.url, RESP: 2 })
  opened.on('error', () => {})
  return opened.connect()
}
const command = (words: string[]) => client.sendCommand(words)
const options = (): RedisVerifierOptions => ({
  revocations: revocationsIn(command),
  keys: `${server.url}/.well-known/jwks.json`,
  issuer: 'annul',
  audience: 'annul',
  log: silent,
})
const verifier = useFixture(async () => {
  await until(() => redis.get('{annul}:fresh'))
  const opened = createVerifier(options())
  await opened.ready
  return opened
})
beforeEach(() => until(() => redis.get('{annul}:fresh')))

async function open<T>(work: (verifier: Verifier) => Promise<T>, more: Partial<RedisVerifierOptions> = {}) {
  const opened = createVerifier({ ...options(), ...more })
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}

describe('a verifier by the mirror in Redis', () => {
  it('gives the viewer that the feed gives, and is refused with the whole error', async () => {
    const { accessToken, userId, session } = await server.signUp()
    expect(await decided(verifier, accessToken)).toEqual({
      userId,
      sessionId: session.id,
      roles: [],
      scopes: [],
      claims: expect.objectContaining({ sub: userId, sid: session.id, aud: 'annul' }),
    })
    await server.send('mutation { revokeSessions }', { token: accessToken })
    for (const token of [undefined, 'nonsense', accessToken]) {
      const { errors } = await server.send('{ me { id } }', token === undefined ? {} : { token })
      const decision = await decided(verifier, token)
      if ('userId' in decision) throw new Error('The token was accepted.')
      const { message, code, details } = decision
      expect([{ message, extensions: { code, ...details } }]).toEqual(
        errors?.map(error => ({ message: error.message, extensions: error.extensions })),
      )
    }
  })

  it('enforces @auth, and guards Express and Fastify', async () => {
    const { accessToken, userId } = await server.signUp()
    const schema = guardSchema(
      makeExecutableSchema({
        typeDefs: `
          directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on FIELD_DEFINITION | OBJECT
          type Query { whoami: String! @auth(maxAge: 300), prices: [String!]! @auth(roles: ["admin"]) }`,
        resolvers: { Query: { whoami: (_source, _args, { auth }) => auth.viewer().userId } },
      }),
    )
    const headers = { authorization: `Bearer ${accessToken}` }
    const ask = (source: string) => graphql({ schema, source, contextValue: verifier.context({ headers }) })
    await decided(verifier, accessToken)
    const answer = await until(
      () => ask('{ whoami }'),
      ({ data }) => data != null,
    )
    expect(answer.data).toEqual({ whoami: userId })
    const refused = await until(
      async () => (await ask('{ prices }')).errors?.[0]?.message,
      message => message !== unavailable().message,
    )
    expect(refused).toBe('You may not do this.')

    const app = express()
    app.get('/', verifier.express(), (request: object, response) => {
      response.json({ user: (request as GuardedRequest).auth?.userId })
    })
    const listening = createServer(app).listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const hooks = fastify()
    const onRequest = verifier.fastify()
    hooks.get(
      '/',
      { onRequest: (request, reply) => onRequest(request, reply) as Promise<void> },
      request => ({
        user: (request as GuardedRequest).auth?.userId,
      }),
    )
    const urls = [
      `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
      await hooks.listen({ host: '127.0.0.1', port: 0 }),
    ]
    const answerOf = (url: string) =>
      until(
        () => fetch(url, { headers }),
        ({ status }) => status !== 503,
      )
    try {
      for (const url of urls) expect(await (await answerOf(url)).json()).toEqual({ user: userId })
      await server.send('mutation { logout }', { token: accessToken })
      for (const url of urls) {
        const response = await answerOf(url)
        expect([response.status, response.headers.get('www-authenticate')]).toEqual([
          401,
          'Bearer realm="annul", error="invalid_token", error_description="This session was logged out."',
        ])
      }
    } finally {
      listening.close()
      await hooks.close()
    }
  })

  it('tells a watch of what has ended, and of a client of its own nothing', async () => {
    const [one, two] = [await server.signUp(), await server.signUp()]
    const told: string[] = []
    for (const { accessToken, userId } of [one, two]) {
      const decision = await decided(verifier, accessToken)
      if (!('userId' in decision)) throw decision
      const stop = verifier.watch(decision, why => void told.push(`${userId} ${why}`))
      if (userId === two.userId) stop()
    }
    for (const { accessToken } of [one, two]) await server.send('mutation { logout }', { token: accessToken })
    await until(() => told.length > 0)
    expect(told).toEqual([`${one.userId} LOGGED_OUT`])
  })

  it('ends its watches with UNAVAILABLE when it is closed, and decides nothing any more', async () => {
    const { accessToken } = await server.signUp()
    const told: string[] = []
    const closed = await open(async opened => {
      const decision = await decided(opened, accessToken)
      if (!('userId' in decision)) throw decision
      opened.watch(decision, why => void told.push(why))
      return opened
    })
    expect(told).toEqual(['UNAVAILABLE'])
    expect(closed.isFresh()).toBe(false)
    expect(verdictOf(await closed.decide(accessToken))).toBe('UNAVAILABLE')
    expect(verdictOf(await closed.decide(undefined))).toBe('TOKEN_MISSING')
    await closed.close()
  })

  it('decides nothing by an answer that comes after its end', async () => {
    const { accessToken } = await server.signUp()
    let answer = () => {}
    const revocations = revocationsIn(async words => {
      if (words.length > 2)
        await new Promise<void>(resolve => {
          answer = resolve
        })
      return command(words)
    })
    const decision = await open(
      async opened => {
        await opened.ready
        const pending = opened.decide(accessToken)
        await opened.close()
        answer()
        return pending
      },
      { revocations },
    )
    expect(verdictOf(decision)).toBe('UNAVAILABLE')
  })

  it('is ready and fresh as long as Redis and the keys can be read, and tells the log why not', async () => {
    const warnings: string[] = []
    const log = {
      ...silent,
      warn: (details: object, _message: string) =>
        void warnings.push((details as { err: { message: string } }).err.message),
    }
    const wrong: [Partial<RedisVerifierOptions>, string][] = [
      [{ keys: `${server.url}/nothing` }, 'answers with 404.'],
      [{ keys: `${new URL(server.url).origin}/healthz` }, 'is no JWKS.'],
      [{ keys: 'http://127.0.0.1:9/' }, 'does not answer.'],
      [{ revocations: revocationsIn(() => Promise.reject(new Error('NOAUTH'))) }, 'Redis can not be asked.'],
      [{ revocations: revocationsIn(async () => [null]) }, 'no key "{annul}:fresh"'],
      [{ revocations: revocationsIn(async words => (words[0] === 'ROLE' ? ['slave'] : ['1'])) }, 'replica'],
    ]
    for (const [more, told] of wrong)
      await open(
        async opened => {
          const failed = expect(opened.ready).rejects.toThrow('The verifier was closed.')
          await until(() => warnings.length > 0)
          expect(warnings.splice(0)).toEqual([expect.stringContaining(told)])
          expect(opened.isFresh()).toBe(false)
          await opened.close()
          await failed
        },
        { ...more, log },
      )
    await until(() => verifier.isFresh())
    redis.pause()
    try {
      await until(() => !verifier.isFresh())
    } finally {
      redis.resume()
    }
    await until(() => verifier.isFresh())
  })

  it('keeps a bounded number of questions while Redis hangs', async () => {
    const { accessToken } = await server.signUp()
    let isHanging = false
    const revocations = revocationsIn(words => (isHanging ? new Promise(() => {}) : command(words)))
    await open(
      async opened => {
        await opened.ready
        await opened.decide(accessToken)
        isHanging = true
        const claims = { sub: 'user', sid: 'session', ver: 1, epoch: 1 }
        const asked = Array.from({ length: 10_000 }, () =>
          revocations.verdict(claims, 'key').catch(error => String(error.message)),
        )
        const answers = new Set<unknown>()
        for (const each of asked) void each.then(answer => answers.add(answer))
        await expect(revocations.verdict(claims, 'key')).rejects.toThrow('too many questions')
        // It has not waited for Redis, as the others do.
        expect(answers).not.toContain('Redis does not answer.')
        await Promise.all(asked)
        expect(answers).toContain('Redis does not answer.')
      },
      { revocations },
    )
  })
})

describe('tokens that are bound (ANNUL_BIND)', () => {
  const bound = useServer({ env: { ANNUL_BIND: 'ip' } })

  it('are refused, because nobody could check it, unless the service says otherwise', async () => {
    const { accessToken } = await bound.signUp()
    const keys = `${bound.url}/.well-known/jwks.json`
    const warnings: string[] = []
    const log = { ...silent, warn: (_details: object, message: string) => void warnings.push(message) }
    const decide = async (opened: Verifier) => verdictOf(await decided(opened, accessToken))
    expect(await open(decide, { keys, log })).toBe('TOKEN_INVALID')
    // On a busy machine the verifier may have warned that it could not decide yet.
    expect(warnings.filter(message => !message.startsWith('Tokens can not be decided about'))).toEqual([
      expect.stringContaining('acceptBound'),
    ])
    expect(await open(decide, { keys, acceptBound: true })).toBe('accepted')
  })
})

describe('a revoked key', () => {
  it('is refused as one, whatever it has signed, when its revocation has returned; and the next one at once is not', async () => {
    const { accessToken, userId } = await server.signUp()
    expect(verdictOf(await decided(verifier, accessToken))).toBe('accepted')
    await revokeKey(server.auth.parts, undefined)
    expect(verdictOf(await decided(verifier, accessToken))).toBe('KEY_REVOKED')
    // Whoever starts now has never seen the key.
    await open(async opened => {
      expect(verdictOf(await decided(opened, accessToken))).toBe('KEY_REVOKED')
      expect(verdictOf(await decided(opened, accessToken))).toBe('KEY_REVOKED')
    })
    const next = await server.signUp()
    expect(next.userId).not.toBe(userId)
    expect(verdictOf(await decided(verifier, next.accessToken))).toBe('accepted')
  })

  it('that clients make up is unknown, and costs the auth nodes one request a second', async () => {
    const { accessToken } = await server.signUp()
    let requests = 0
    const counting = createServer(async (_request, response) => {
      requests++
      const answer = await fetch(`${server.url}/.well-known/jwks.json`)
      response.setHeader('cache-control', answer.headers.get('cache-control') ?? '')
      response.end(await answer.text())
    }).listen(0, '127.0.0.1')
    await once(counting, 'listening')
    const keys = `http://127.0.0.1:${(counting.address() as AddressInfo).port}/`
    const [, claims, signature] = accessToken.split('.')
    const invented = (kid: string) => {
      const header = JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })
      return [Buffer.from(header).toString('base64url'), claims, signature].join('.')
    }
    try {
      await open(
        async opened => {
          await opened.ready
          const before = requests
          const since = performance.now()
          const decisions = await Promise.all(
            Array.from({ length: 50 }, (_, index) => opened.decide(invented(`kid-${index}`))),
          )
          for (const decision of decisions)
            expect(['TOKEN_INVALID', 'UNAVAILABLE']).toContain(verdictOf(decision))
          expect(requests - before).toBeLessThanOrEqual(1 + (performance.now() - since) / 1000)
          expect(verdictOf(await decided(opened, accessToken))).toBe('accepted')
        },
        { keys },
      )
    } finally {
      counting.close()
    }
  })
})

describe('the options of both kinds', () => {
  it('exclude each other, and are named when they are wrong', () => {
    const good = options()
    const feed = { nodes: ['https://auth.example.com'], service: 'annul_sv_hunter2', audience: 'annul' }
    const wrong: [object | undefined, string][] = [
      [undefined, 'createVerifier needs "nodes" and "service" to follow the auth nodes, or'],
      [{ audience: 'annul' }, 'createVerifier needs "nodes" and "service" to follow the auth nodes, or'],
      [{ ...good, nodes: feed.nodes }, '"nodes" and "revocations" exclude each other'],
      [{ ...good, service: feed.service }, '"service" and "revocations" exclude each other'],
      [{ ...feed, keys: good.keys }, '"nodes" and "keys" exclude each other'],
      [{ ...good, acceptFormer: true }, '"acceptFormer" and "revocations" exclude each other'],
      [{ ...good, revocations: undefined }, '"revocations" must be what redis(client) returns.'],
      [
        { ...good, revocations: { verdict: () => undefined } },
        '"revocations" must be what redis(client) returns.',
      ],
      [{ ...good, revocations: Promise.resolve() }, '"revocations" must be what redis(client) returns.'],
      ...[
        undefined,
        'auth.example.com',
        'http://auth.example.com/.well-known/jwks.json',
        'file:///etc/keys',
        'https://user:hunter2@auth.example.com/keys',
        ['https://auth.example.com/.well-known/jwks.json', 'https://b.example.com'],
      ].map((keys): [object, string] => [{ ...good, keys }, '"keys" must be the https: URL of the keys']),
      [{ ...good, issuer: undefined }, '"issuer" must be a text'],
      [{ ...good, audience: '' }, '"audience" must be a text'],
      [{ ...good, acceptBound: 1 }, '"acceptBound" must be true or false.'],
      [{ ...good, key: good.keys }, 'createVerifier has no option "key". The nearest name is "keys".'],
    ]
    for (const [given, message] of wrong) {
      let thrown: unknown
      try {
        createVerifier(given as never)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(TypeError)
      expect([given, String(thrown)]).toEqual([given, expect.stringContaining(message)])
      expect(String(thrown)).not.toContain('hunter2')
    }
  })

  it('need a client that is connected, not the promise of one', () => {
    for (const client of [undefined, null, {}, 'redis://127.0.0.1', Promise.resolve({})])
      expect(() => revocationsIn(client as never)).toThrow(TypeError)
  })
})

describe('the URL of the keys', () => {
  let closed: Verifier[] = []
  beforeAll(() => {
    closed = []
  })
  afterAll(() => Promise.all(closed.map(each => each.close())))

  it('may be a URL object, and http: on this machine', () => {
    for (const keys of [new URL('https://auth.example.com/keys'), 'http://localhost:9/', 'http://[::1]:9/'])
      closed.push(createVerifier({ ...options(), keys }))
  })
})
