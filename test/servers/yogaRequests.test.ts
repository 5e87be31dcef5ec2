import { beforeAll, describe, expect, it } from '@jest/globals'
import { createYoga } from 'graphql-yoga'
import type { GraphQLContext } from '../../src/request/context.ts'
import { annulYoga } from '../../src/servers/yoga.ts'
import { listenWith } from './contract/listenWith.ts'
import type { SignedUp } from './contract/server.ts'
import { useYogaApp } from './yogaApp.ts'

const app = useYogaApp()
const { server } = app
let ada: SignedUp
let bob: SignedUp
beforeAll(async () => {
  ada = await server.signUp()
  bob = await server.signUp()
})

describe('a batch', () => {
  const batch = async (operations: string[], token?: string) => {
    const yoga = app.make({ batching: true })
    const answer = await app.ask(
      yoga,
      operations.map(query => ({ query })),
      token === undefined ? {} : { token },
    )
    return { ...answer, all: JSON.parse(answer.text) }
  }

  it('answers each operation with its own data and errors, and 200', async () => {
    const { status, headers, all } = await batch(
      ['{ notes }', '{ edited }', '{ news }', '{ broken }', '{'],
      ada.accessToken,
    )
    expect(status).toBe(200)
    expect(headers.get('www-authenticate')).toBeNull()
    expect(all).toMatchObject([
      { data: { notes: ada.userId } },
      { data: { edited: null }, errors: [{ extensions: { code: 'FORBIDDEN' } }] },
      { data: { news: 'It rains.' } },
      { data: { broken: null }, errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
      { errors: [{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }] },
    ])
  })

  it('is 401 when all operations are refused alike, and 200 when one is answered', async () => {
    const refused = await batch(['{ notes }', '{ me { id } }'])
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="annul"'])
    expect(refused.all).toMatchObject([
      { errors: [{ extensions: { reason: 'TOKEN_MISSING' } }] },
      { data: null, errors: [{ extensions: { reason: 'TOKEN_MISSING' } }] },
    ])
    expect((await batch(['{ notes }', '{ news }'])).status).toBe(200)
    expect((await batch(['{ notes }', '{ broken }'])).status).toBe(200)
  })

  it('keeps the decisions of its operations apart, and tells each wait where it belongs', async () => {
    const { accessToken } = await server.login(ada)
    const { all } = await batch(['mutation { revokeSessions }', '{ news }', '{ greeting }'], accessToken)
    expect(all[0]).toEqual({
      data: { revokeSessions: true },
      extensions: { annul: { revokedOnAllNodesMs: expect.any(Number) } },
    })
    expect(all[1]).toEqual({ data: { news: 'It rains.' } })
    expect(all[2].errors).toBeUndefined()
    ada = { ...ada, ...(await server.login(ada)) }
  })

  it('sets the cookies of all its operations', async () => {
    const login = ({ email, password }: SignedUp) => ({
      query: 'mutation ($input: LoginInput!) { login(input: $input) { refreshToken } }',
      variables: { input: { email, password, cookie: true } },
    })
    const { text, headers } = await app.ask(app.make({ batching: true }), [login(ada), login(bob)], {
      headers: { origin: 'http://shop.example' },
    })
    expect(JSON.parse(text)).toEqual([
      { data: { login: { refreshToken: null } } },
      { data: { login: { refreshToken: null } } },
    ])
    const names = headers.getSetCookie().map(cookie => cookie.split('=')[0])
    expect(names.sort()).toEqual([
      '__Host-annul-device',
      '__Host-annul-device',
      '__Host-annul-refresh',
      '__Host-annul-refresh',
      '__Host-annul-session',
      '__Host-annul-session',
    ])
  })
})

describe('requests in parallel', () => {
  /** A field that answers when as many requests as expected have arrived at it. */
  const meeting = (expected: number) => {
    let arrived = 0
    const waiting: (() => void)[] = []
    return async (_source: unknown, _args: unknown, { auth }: GraphQLContext) => {
      arrived++
      if (arrived === expected) for (const go of waiting) go()
      else await new Promise<void>(resolve => waiting.push(resolve))
      // A sender of another request would be told here.
      return [(await auth.viewerOrNull())?.userId, auth.viewer().userId].join()
    }
  }

  it('share no context, even where the app hands the same server context to all', async () => {
    const schema = app.auth.schema({
      typeDefs: 'extend type Query { meet: String @auth }',
      resolvers: { Query: { meet: meeting(4) } },
    })
    const yoga = createYoga<{ shop: string }>({ schema, plugins: [annulYoga(app.auth)] })
    const shared = { shop: 'one for all' }
    const { url, close } = await listenWith(async (incoming, outgoing) => {
      const response = await yoga.handleNodeRequestAndResponse(incoming, outgoing, shared)
      outgoing.end(await response.text())
    })
    try {
      const people = [ada, bob, ada, bob]
      const answers = await Promise.all(
        people.map(async ({ accessToken }) => {
          const response = await fetch(`${url}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
            body: '{"query":"{ meet }"}',
          })
          return response.json()
        }),
      )
      expect(answers).toEqual(people.map(({ userId }) => ({ data: { meet: `${userId},${userId}` } })))
      // Nothing of a request is left where the next one would find it.
      expect(Object.keys(shared)).not.toContain('auth')
    } finally {
      await close()
    }
  })
})

describe('GET', () => {
  const get = (query: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${server.url}/graphql?query=${encodeURIComponent(query)}`, {
      method,
      headers: { accept: 'application/json', ...headers },
    })

  it('answers queries, guarded ones too', async () => {
    const authorization = `Bearer ${ada.accessToken}`
    const answer = await get('{ notes }', { authorization })
    expect([answer.status, await answer.json()]).toEqual([200, { data: { notes: ada.userId } }])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const refused = await get('{ notes }')
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="annul"'])
  })

  it('carries out no mutation, and HEAD nothing at all', async () => {
    const authorization = `Bearer ${ada.accessToken}`
    const before = server.app.carriedOut
    const mutation = await get('mutation { count }', { authorization })
    expect([mutation.status, await mutation.json()]).toMatchObject([
      405,
      { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
    ])
    expect((await get('{ notes }', { authorization }, 'HEAD')).status).toBe(405)
    expect(server.app.carriedOut).toBe(before)
  })
})

describe('the context', () => {
  it('has auth before the app’s own context is made', async () => {
    const context = async (given: object) => {
      const { auth } = given as GraphQLContext
      return { greeted: (await auth.viewerOrNull())?.userId }
    }
    const schema = app.auth.schema({
      typeDefs: 'extend type Query { greeted: String }',
      resolvers: {
        Query: { greeted: (_source: unknown, _args: unknown, given: { greeted: string }) => given.greeted },
      },
    })
    const yoga = app.make({ schema, context })
    expect((await app.ask(yoga, '{ greeted }', { token: ada.accessToken })).data).toEqual({
      greeted: ada.userId,
    })
  })

  it.each([
    [
      'the context function',
      { context: () => ({ auth: { decide: () => ({ roles: ['editor'], scopes: [], claims: {} }) } }) },
      {},
    ],
    ['the server context', {}, { auth: { decide: () => ({ roles: ['editor'], scopes: [], claims: {} }) } }],
  ])('takes no auth of the app’s own, by %s', async (_name, options, context) => {
    server.errors.length = 0
    const { status, errors } = await app.ask(app.make(options), '{ edited }', { context })
    expect({ status, codes: errors?.map(({ extensions }) => extensions.code) }).toEqual({
      status: 500,
      codes: ['INTERNAL_SERVER_ERROR'],
    })
    expect(server.errors).toEqual([
      expect.objectContaining({
        err: expect.objectContaining({ message: expect.stringMatching(/"auth"|'auth'/) }),
      }),
    ])
  })
})

describe('addressOf', () => {
  it.each([
    ['a promise', async () => '192.0.2.1'],
    ['a number', () => 4],
  ])('that gives %s refuses the request, and the log says why', async (_name, addressOf) => {
    server.errors.length = 0
    const plugin = annulYoga(app.auth, { addressOf: addressOf as unknown as () => string })
    const { status } = await app.ask(app.make({ plugins: [plugin] }), '{ news }')
    expect(status).toBe(500)
    expect(server.errors).toEqual([
      expect.objectContaining({
        err: expect.objectContaining({
          message: expect.stringMatching(/^"addressOf" must give a text or undefined/),
        }),
      }),
    ])
  })

  it('is told the request and what the handler has given beside it', async () => {
    const plugin = annulYoga<{ ip: string }>(app.auth, {
      addressOf: (request, { ip }) => (request.headers.get('x-edge') === 'here' ? ip : undefined),
    })
    const { email, password } = ada
    const body = {
      query: 'mutation ($input: LoginInput!) { login(input: $input) { session { ipAddress } } }',
      variables: { input: { email, password } },
    }
    const yoga = app.make({ plugins: [plugin] })
    const ask = async (edge: string) =>
      (await app.ask(yoga, body, { headers: { 'x-edge': edge }, context: { ip: '198.51.100.7' } })).data
    expect(await ask('here')).toEqual({ login: { session: { ipAddress: '198.51.100.7' } } })
    expect(await ask('there')).toEqual({ login: { session: { ipAddress: null } } })
  })
})
