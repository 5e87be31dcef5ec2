import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { makeExecutableSchema } from '@graphql-tools/schema'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import express from 'express'
import { fastify } from 'fastify'
import { graphql } from 'graphql'
import { revokeKey } from '../../src/admin/revokeKey.ts'
import { guardSchema } from '../../src/verify/graphql.ts'
import { type AuthError, createVerifier, type GuardedRequest, type Verifier } from '../../src/verify/index.ts'
import { openAdmin } from '../support/devices.ts'
import { openForge } from '../support/forge.ts'
import { useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { makeService, openVerifier, silent, useVerifier, verdictOf } from '../support/verifier.ts'

const first = useServer({ env: { ANNUL_LEASE_MS: '2000' } })
const second = useSecondNode(first)
const verifier = useVerifier(() => [first])

async function fresh(): Promise<Verifier> {
  // On a busy machine it may have been held up for a lease.
  await until(() => verifier.isFresh())
  return verifier
}

describe('a verifier', () => {
  it('decides from memory, without a promise, and says what the token says', async () => {
    const { accessToken, userId, session } = await first.signUp()
    const decision = (await fresh()).decide(accessToken)
    expect(decision).toEqual({
      userId,
      sessionId: session.id,
      roles: [],
      scopes: [],
      claims: expect.objectContaining({ sub: userId, sid: session.id, aud: 'annul' }),
    })
    expect(
      Object.isFrozen(decision instanceof Promise ? undefined : (decision as { claims: object }).claims),
    ).toBe(true)
  })

  it('refuses with what an auth node says: the whole error', async () => {
    const { accessToken } = await first.signUp()
    await first.send('mutation { logout }', { token: accessToken })
    for (const token of [undefined, 'nonsense', accessToken]) {
      const { errors } = await first.send('{ me { id } }', token === undefined ? {} : { token })
      const { code, message, details } = (await (await fresh()).decide(token)) as AuthError
      expect([{ message, extensions: { code, ...details } }]).toEqual(
        errors?.map(error => ({ message: error.message, extensions: error.extensions })),
      )
    }
  })

  it('refuses at once what another node has revoked, when the mutation has returned', async () => {
    for (let round = 0; round < 20; round++) {
      const { accessToken } = await first.signUp()
      expect(verdictOf(await (await fresh()).decide(accessToken))).toBe('accepted')
      await second.send('mutation { revokeSessions }', { token: accessToken })
      // Before anything else can arrive.
      const decision = verifier.decide(accessToken)
      expect(verdictOf(await decision)).toBe('SESSIONS_REVOKED')
    }
  })

  it('tells what lives longer than a request before the revoking mutation returns', async () => {
    const { accessToken } = await first.signUp()
    const decision = await (await fresh()).decide(accessToken)
    if (!('claims' in decision)) throw decision
    const told: string[] = []
    verifier.watch(decision, why => void told.push(why))
    const other = await first.signUp()
    await second.send('mutation { revokeSessions }', { token: other.accessToken })
    expect(told).toEqual([])
    await second.send('mutation { logout }', { token: accessToken })
    expect(told).toEqual(['LOGGED_OUT'])
  })

  it('never joins two tokens of one user: each has its own session', async () => {
    const account = await first.signUp()
    const other = await first.login(account)
    await first.send('mutation { logout }', { token: account.accessToken })
    const { decide } = await fresh()
    expect(verdictOf(await decide(account.accessToken))).toBe('LOGGED_OUT')
    expect(verdictOf(await decide(other.accessToken))).toBe('accepted')
  })
})

describe('the keys', () => {
  it('that sign from now on come by the feed, and a revoked one is refused when its revocation has returned', async () => {
    const { parts } = first.auth
    const { accessToken } = await first.signUp()
    expect(verdictOf(await (await fresh()).decide(accessToken))).toBe('accepted')
    await revokeKey(parts, undefined)
    expect(verdictOf(await verifier.decide(accessToken))).toBe('KEY_REVOKED')
    // The next key signs at once.
    const next = await first.signUp()
    await fresh()
    expect(verdictOf(await verifier.decide(next.accessToken))).toBe('accepted')
    expect(verdictOf(await verifier.decide(accessToken))).toBe('KEY_REVOKED')
  })

  it('of invented ids cost the auth nodes one request a second', async () => {
    const { accessToken } = await first.signUp()
    const [, claims, signature] = accessToken.split('.')
    const invented = (kid: string) =>
      [
        Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url'),
        claims,
        signature,
      ].join('.')
    const { decide } = await fresh()
    const startedAt = performance.now()
    const all = await Promise.all(Array.from({ length: 50 }, (_, index) => decide(invented(`kid-${index}`))))
    expect(new Set(all.map(verdictOf))).toEqual(new Set(['TOKEN_INVALID']))
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })
})

describe('the same verifier in servers', () => {
  const typeDefs = `
    directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on FIELD_DEFINITION | OBJECT
    type Query { orders: [String!]! @auth, prices: [String!]! @auth(roles: ["admin"]), greeting: String! }`
  const schema = guardSchema(
    makeExecutableSchema({
      typeDefs,
      resolvers: {
        Query: {
          orders: (_source, _args, { auth }) => [auth.viewer().userId],
          prices: () => ['1'],
          greeting: async (_source, _args, { auth }) =>
            (await auth.viewerOrNull()) ? 'Welcome back.' : 'Hello.',
        },
      },
    }),
  )

  it('enforces @auth in the schema of a subgraph, by a request of Node and by one of Fetch', async () => {
    const { accessToken, userId } = await first.signUp()
    const admin = await openAdmin(first)
    await fresh()
    const ask = async (source: string, token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const [byNode, byFetch] = await Promise.all(
        [{ headers }, new Request('http://orders.example.com/graphql', { headers })].map(request =>
          graphql({ schema, source, contextValue: verifier.context(request) }),
        ),
      )
      expect(JSON.stringify(byFetch)).toBe(JSON.stringify(byNode))
      const { data, errors } = JSON.parse(JSON.stringify(byNode))
      return data?.orders ?? data?.prices ?? data?.greeting ?? errors[0].message
    }
    expect(await ask('{ orders }', accessToken)).toEqual([userId])
    expect(await ask('{ orders }')).toBe('You are not signed in.')
    expect(await ask('{ prices }', accessToken)).toBe('You may not do this.')
    expect(await ask('{ prices }', admin.accessToken)).toEqual(['1'])
    expect(await ask('{ greeting }', accessToken)).toBe('Welcome back.')
    expect(await ask('{ greeting }', 'nonsense')).toBe('Hello.')
  })

  const app = express()
  app.get('/whoami', (request, response, next) => verifier.express()(request, response, next), whoami)
  app.get(
    '/maybe',
    (request, response, next) => verifier.express({ optional: true })(request, response, next),
    whoami,
  )
  app.get(
    '/admin',
    (request, response, next) => verifier.express({ roles: ['admin'] })(request, response, next),
    whoami,
  )
  app.get(
    '/lately',
    (request, response, next) => verifier.express({ maxAge: 300 })(request, response, next),
    whoami,
  )
  app.get(
    '/strong',
    (request, response, next) =>
      verifier.express({ roles: ['editor'], maxAge: 300, mfa: true })(request, response, next),
    whoami,
  )
  function whoami(request: object, response: { json(body: unknown): unknown }) {
    response.json({ user: (request as GuardedRequest).auth?.userId ?? null })
  }
  const hooks = fastify()
  for (const [path, requirement] of [
    ['/whoami', {}],
    ['/maybe', { optional: true }],
    ['/admin', { roles: ['admin'] }],
    ['/lately', { maxAge: 300 }],
    ['/strong', { roles: ['editor'], maxAge: 300, mfa: true }],
  ] as const)
    hooks.get(
      path,
      { onRequest: (request, reply) => verifier.fastify(requirement)(request, reply) as Promise<void> },
      async request => ({ user: (request as GuardedRequest).auth?.userId ?? null }),
    )
  const listening = createServer(app)
  const urls: string[] = []
  beforeAll(async () => {
    listening.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    urls.push(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
    urls.push(await hooks.listen({ host: '127.0.0.1', port: 0 }))
  })
  afterAll(async () => {
    listening.close()
    await hooks.close()
  })

  async function ask(path: string, token?: string, headers: Record<string, string> = {}) {
    const answers = await Promise.all(
      urls.map(async url => {
        const response = await fetch(url + path, {
          headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        })
        const challenge = response.headers.get('www-authenticate')
        return { status: response.status, challenge, body: await response.json() }
      }),
    )
    expect(answers[1]).toEqual(answers[0])
    return answers[0]
  }

  it('answers a plain request as RFC 6750 says, in Express and in Fastify alike', async () => {
    const { accessToken, userId } = await first.signUp()
    const admin = await openAdmin(first)
    await fresh()
    expect(await ask('/whoami', accessToken)).toEqual({
      status: 200,
      challenge: null,
      body: { user: userId },
    })
    expect(await ask('/admin', admin.accessToken)).toMatchObject({
      status: 200,
      body: { user: admin.userId },
    })
    expect(await ask('/admin', accessToken)).toEqual({
      status: 403,
      challenge: null,
      body: {
        errors: [
          {
            message: 'You may not do this.',
            extensions: { code: 'FORBIDDEN', required: { roles: ['admin'] } },
          },
        ],
      },
    })
    expect(await ask('/whoami')).toEqual({
      status: 401,
      challenge: 'Bearer realm="annul"',
      body: {
        errors: [
          {
            message: 'You are not signed in.',
            extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' },
          },
        ],
      },
    })
    await first.send('mutation { logout }', { token: accessToken })
    expect(await ask('/whoami', accessToken)).toMatchObject({
      status: 401,
      challenge:
        'Bearer realm="annul", error="invalid_token", error_description="This session was logged out."',
    })
    expect(await ask('/maybe', accessToken)).toMatchObject({ status: 200, body: { user: null } })
    expect(await ask('/maybe')).toMatchObject({ status: 200, body: { user: null } })
    expect(await ask('/lately', admin.accessToken)).toMatchObject({ status: 200 })
  })

  it('asks for a second factor as an auth node does, and for a role that only a factor brings', async () => {
    const { accessToken, userId } = await first.signUp()
    await fresh()
    const { make } = openForge(first, accessToken)
    const answer = async (claims: object) => {
      const said = await ask('/strong', make({ claims: { ...claims } }))
      return [said?.status, said?.body.user ?? said?.body.errors[0]]
    }
    const factor = { amr: ['pwd', 'otp', 'mfa'] }
    const wanted = [
      403,
      {
        message: 'Please confirm with a second factor first.',
        extensions: { code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, mfa: true, recover: 'REAUTHENTICATE' },
      },
    ]
    expect(await answer({ roles: ['editor'], ...factor })).toEqual([200, userId])
    expect(await answer({ roles: ['editor'] })).toEqual(wanted)
    expect(await answer({ roles: ['editor'], amr: undefined })).toEqual(wanted)
    expect(await answer({ roles: ['editor'], ...factor, auth_time: 1 })).toEqual(wanted)
    expect(await answer({ roles: [], mfa_roles: ['editor'] })).toEqual(wanted)
    expect(await answer({ roles: [], ...factor })).toMatchObject([403, { extensions: { code: 'FORBIDDEN' } }])
  })

  it('believes no header in which a client names itself', async () => {
    const { accessToken, userId } = await first.signUp()
    const admin = await openAdmin(first)
    await fresh()
    const invented = Object.fromEntries(
      [
        'x-user-id',
        'x-user',
        'x-auth',
        'auth',
        'x-forwarded-user',
        'x-remote-user',
        'x-jwt-claims',
        'x-roles',
        'userid',
      ].map(name => [name, JSON.stringify({ userId: admin.userId, roles: ['admin'] })]),
    )
    expect(await ask('/whoami', undefined, invented)).toMatchObject({ status: 401 })
    expect(await ask('/whoami', accessToken, invented)).toMatchObject({ status: 200, body: { user: userId } })
    expect(await ask('/admin', accessToken, invented)).toMatchObject({ status: 403 })
    expect(await ask('/maybe', undefined, invented)).toMatchObject({ body: { user: null } })
  })

  it('refuses requirements by which everybody or nobody would pass', () => {
    for (const requirement of [
      { roles: [] },
      { roles: 'admin' },
      { scopes: ['read'] },
      { role: ['admin'] },
      { maxAge: 0 },
      { mfa: 'yes' },
      { mfa: null },
      { optional: 'yes' },
      { optional: true, roles: ['admin'] },
      { optional: true, mfa: true },
    ])
      for (const make of [verifier.express, verifier.fastify])
        expect(() => make(requirement as never)).toThrow(TypeError)
  })
})

describe('tokens that are bound (ANNUL_BIND)', () => {
  const bound = useServer({ env: { ANNUL_BIND: 'ip' } })

  it('are refused, because nobody could check it, unless the service says otherwise', async () => {
    const { accessToken } = await bound.signUp()
    const warnings: string[] = []
    const log = { ...silent, warn: (_details: object, message: string) => void warnings.push(message) }
    const careful = await openVerifier([bound], { log })
    for (let time = 0; time < 2; time++)
      expect(verdictOf(await careful.decide(accessToken))).toBe('TOKEN_INVALID')
    expect(warnings).toEqual([expect.stringContaining('acceptBound')])
    const asking = await openVerifier([bound], { rights: ['introspect'] })
    expect(verdictOf(await asking.decide(accessToken))).toBe('TOKEN_INVALID')
    const accepting = await openVerifier([bound], { acceptBound: true })
    expect(verdictOf(await accepting.decide(accessToken))).toBe('accepted')
    await Promise.all([careful, asking, accepting].map(each => each.close()))
  })
})

describe('the options', () => {
  const good = { nodes: ['https://auth.example.com'], service: 'annul_sv_x', audience: 'annul' }

  it('are checked when the verifier is made, and no message shows a secret', () => {
    const wrong: [object, string][] = [
      [{ ...good, node: 'x' }, 'createVerifier has no option "node". The nearest name is "nodes".'],
      [{ ...good, nodes: [] }, 'createVerifier: "nodes" must be a list of 1 to 16 URLs.'],
      [
        { ...good, nodes: 'https://auth.example.com' },
        'createVerifier: "nodes" must be a list of 1 to 16 URLs.',
      ],
      ...[
        'auth.example.com',
        'ws://auth.example.com',
        'https://user:hunter2@auth.example.com',
        'https://a.example/?x',
      ].map((node): [object, string] => [
        { ...good, nodes: [node] },
        'createVerifier: each of "nodes" must be a URL',
      ]),
      ...[undefined, '', 'hunter2 hunter2', 'hunter2\n'].map((service): [object, string] => [
        { ...good, service },
        'createVerifier: "service" must be the secret',
      ]),
      [{ ...good, audience: undefined }, 'createVerifier: "audience" must be a text'],
      [{ ...good, issuer: 5 }, 'createVerifier: "issuer" must be a text'],
      [{ ...good, acceptBound: 'no' }, 'createVerifier: "acceptBound" must be true or false.'],
      [{ ...good, log: {} }, 'The option "log" must have a function "info"'],
    ]
    for (const [options, message] of wrong) {
      let thrown: unknown
      try {
        createVerifier(options as never)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(TypeError)
      expect((thrown as Error).message).toContain(message)
      expect((thrown as Error).message).not.toContain('hunter2')
    }
  })

  it('whose issuer or audience is not that of the nodes let no token in', async () => {
    const { accessToken } = await first.signUp()
    for (const option of [{ issuer: 'https://other.example.com' }, { audience: 'other' }])
      for (const rights of [['feed', 'introspect'], ['introspect']]) {
        const other = await openVerifier([first], { ...option, rights })
        if (rights.includes('feed')) await until(() => other.isFresh())
        expect(verdictOf(await other.decide(accessToken))).toBe('TOKEN_INVALID')
        await other.close()
      }
  })

  it('with a secret that every node refuses make ready fail, and nobody is signed out by it', async () => {
    const { accessToken } = await first.signUp()
    const errors: unknown[] = []
    const log = {
      ...silent,
      error: (details: object, message: string) => void errors.push([details, message]),
    }
    const service = 'annul_sv_not-a-secret-of-any-service'
    const refused = createVerifier({ nodes: [first.url], service, audience: 'annul', log })
    await expect(refused.ready).rejects.toThrow('Every node has refused the feed')
    expect(verdictOf(await refused.decide(accessToken))).toBe('UNAVAILABLE')
    expect(verdictOf(await refused.decide('nonsense'))).toBe('TOKEN_INVALID')
    expect(errors.length).toBeGreaterThan(0)
    expect(JSON.stringify(errors)).not.toContain(service)
    await refused.close()
  })

  it('that lead to a server that redirects send it neither the secret nor a token', async () => {
    const seen: (string | undefined)[] = []
    const trap = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.end('{"active":true}')
    }).listen(0, '127.0.0.1')
    trap.on('upgrade', (request, socket) => {
      seen.push(request.headers.authorization)
      socket.destroy()
    })
    await once(trap, 'listening')
    const location = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`
    const redirecting = createServer((request, response) => {
      response.writeHead(307, { location: location + request.url }).end()
    }).listen(0, '127.0.0.1')
    redirecting.on('upgrade', (request, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nlocation: ${location}${request.url}\r\ncontent-length: 0\r\n\r\n`)
    })
    await once(redirecting, 'listening')
    const nodes = [`http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`]
    const service = await makeService(first.auth.parts)
    const led = createVerifier({ nodes, service, audience: 'annul', log: silent })
    await expect(led.ready).rejects.toThrow('has answered with 302')
    const { accessToken } = await first.signUp()
    expect(verdictOf(await led.decide(accessToken))).toBe('UNAVAILABLE')
    expect(seen).toEqual([])
    await led.close()
    trap.close()
    redirecting.close()
  })
})
