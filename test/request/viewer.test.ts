import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { parse, subscribe } from 'graphql'
import type { GraphQLContext } from '../../src/request/context.ts'
import { refusal } from '../support/answers.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres } from '../support/postgres.js'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

jest.setTimeout(60_000)

/* Who sends a request, as an app's resolvers ask: viewer() under @auth, viewerOrNull() everywhere. */

const typeDefs = `
  extend type Query {
    who: String
    whoAgain: String
    guarded: String @auth
    unguarded: String
  }
  extend type Subscription {
    who: String
  }
  extend type Mutation {
    who: String
    unguarded: String
  }
`
type Context = GraphQLContext
const who = async (_: unknown, __: unknown, { auth }: Context) =>
  (await auth.viewerOrNull())?.userId ?? 'nobody'
const viewer = (_: unknown, __: unknown, { auth }: Context) => auth.viewer().userId
const whoAgain = async (_: unknown, __: unknown, { auth }: Context) => {
  await auth.viewerOrNull()
  return auth.viewer().userId
}
/** Events that a test lets happen. */
const nextEvent = {
  happen: () => {},
  async *events() {
    for (;;) {
      await new Promise<void>(resolve => {
        this.happen = resolve
      })
      yield {}
    }
  },
}
const extension = {
  typeDefs,
  resolvers: {
    Query: { who, whoAgain, guarded: viewer, unguarded: viewer },
    Mutation: { who, unguarded: viewer },
    Subscription: { who: { subscribe: () => nextEvent.events(), resolve: who } },
  },
}

let lines: string[] = []
let server: TestServer
let account: Account & TokensAnswer
beforeAll(async () => {
  server = await startTestServer({ extension, onLogLine: line => lines.push(line) })
  account = await server.signUp()
})
afterAll(() => server.close())

const ask = (query: string, token?: string) => server.send(query, token === undefined ? {} : { token })

/** The message of the error that the answer's id leads to. */
function loggedMessage(id: unknown): string | undefined {
  const line = lines.map(text => JSON.parse(text)).find(entry => entry.id === id)
  return line?.err.message
}

describe('viewerOrNull()', () => {
  it('is the sender on a field without @auth', async () => {
    expect((await ask('{ who }', account.accessToken)).data).toEqual({ who: account.userId })
  })

  it.each([
    ['no token', undefined],
    ['a token that is none', 'stale'],
  ])('is null with %s', async (_, token) => {
    expect(await ask('{ who }', token)).toMatchObject({
      status: 200,
      data: { who: 'nobody' },
      errors: undefined,
    })
  })

  it('is null with a token that was revoked', async () => {
    const { accessToken } = await server.login(account)
    expect((await ask('mutation { logout }', accessToken)).data).toEqual({ logout: true })
    expect((await ask('{ who }', accessToken)).data).toEqual({ who: 'nobody' })
  })

  it('is decided anew in each field of a mutation', async () => {
    const { accessToken, userId } = await server.signUp()
    const { data } = await ask('mutation { before: who revokeSessions after: who }', accessToken)
    expect(data).toEqual({ before: userId, revokeSessions: true, after: 'nobody' })
  })

  it('is decided anew for each event of a subscription', async () => {
    const { accessToken, userId } = await server.signUp()
    const headers = { authorization: `Bearer ${accessToken}` }
    const events = await subscribe({
      schema: server.auth.schema(extension),
      document: parse('subscription { who }'),
      contextValue: server.auth.context({ headers }, { appendHeader: () => {} }),
    })
    if (!(Symbol.asyncIterator in events)) throw new Error('The subscription was refused.')
    const next = async () => {
      const event = events.next()
      nextEvent.happen()
      const { value } = await event
      return value ? value.data : undefined
    }
    expect(await next()).toEqual({ who: userId })
    expect((await ask('mutation { revokeSessions }', accessToken)).data).toEqual({ revokeSessions: true })
    expect(await next()).toEqual({ who: 'nobody' })
    await events.return(undefined)
  })

  const onlyPostgres = onPostgres ? it : it.skip
  onlyPostgres('throws UNAVAILABLE in an outage, and does not say null', async () => {
    const postgres = await startPostgres()
    let node: TestServer | undefined
    try {
      await postgres.createDatabase('outage')
      const env = { DATABASE_URL: postgres.urlOf('outage'), ANNUL_REVOCATION: 'strict' }
      node = await startTestServer({ database: { env }, extension })
      const { accessToken: token, userId } = await node.signUp()
      expect((await node.send('{ who }', { token })).data).toEqual({ who: userId })
      await postgres.halt()
      const answer = await until(
        () => node?.send('{ who }', { token }),
        later => later?.data?.who !== userId,
      )
      expect(answer).toMatchObject({ status: 503, data: { who: null }, code: 'UNAVAILABLE' })
      // Without a token nobody needs to be asked.
      expect((await node.send('{ who }')).data).toEqual({ who: 'nobody' })
    } finally {
      await node?.close()
      await postgres.stop()
    }
  })
})

describe('viewer()', () => {
  const advice =
    'viewer() was called on a field that no @auth guards, where the sender is not known yet. ' +
    'Guard the field with @auth, or await viewerOrNull() instead.'

  it('is the sender under @auth', async () => {
    expect((await ask('{ guarded }', account.accessToken)).data).toEqual({ guarded: account.userId })
  })

  it.each([['somebody who is signed in'], ['nobody']])(
    "without @auth is a developer's error, which the log tells, for %s",
    async sender => {
      lines = []
      const token = sender === 'nobody' ? undefined : account.accessToken
      const answer = await ask('{ unguarded }', token)
      expect(refusal(answer)).toEqual({
        status: 200,
        data: { unguarded: null },
        errors: [{ code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) }],
      })
      expect(JSON.stringify(answer.errors)).not.toContain('viewer()')
      expect(loggedMessage(answer.errors?.[0]?.extensions.id)).toBe(advice)
    },
  )

  it('works after viewerOrNull(), and refuses where that was null', async () => {
    expect((await ask('{ whoAgain }', account.accessToken)).data).toEqual({ whoAgain: account.userId })
    expect(refusal(await ask('{ whoAgain }'))).toEqual({
      status: 401,
      data: { whoAgain: null },
      errors: [{ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }],
    })
  })

  it('does not know the viewer of the mutation field before, who may be signed out by then', async () => {
    const { accessToken } = await server.signUp()
    lines = []
    const { data, errors } = await ask('mutation { revokeSessions unguarded }', accessToken)
    expect(data).toEqual({ revokeSessions: true, unguarded: null })
    expect(loggedMessage(errors?.[0]?.extensions.id)).toBe(advice)
  })
})

describe('a context', () => {
  const builtIn = new Set<unknown>([
    Object.prototype,
    Function.prototype,
    Object.getPrototypeOf(async () => {}),
    Array.prototype,
  ])

  /** The paths of everything that can be reached: own names and symbols, hidden ones too, and prototypes. */
  function reach(value: unknown, path: string, seen = new Set<unknown>(builtIn)): string[] {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return [path]
    if (seen.has(value)) return []
    seen.add(value)
    const keys = Reflect.ownKeys(value)
    const found = keys.flatMap(key => reach(Reflect.get(value, key), `${path}.${String(key)}`, seen))
    return [path, ...found, ...reach(Object.getPrototypeOf(value), `${path}.(prototype)`, seen)]
  }

  it('leads to nothing but its methods, whatever is tried', () => {
    const { auth } = server.auth.context({ headers: {} }, { appendHeader: () => {} })
    const methods = ['viewer', 'viewerOrNull', 'fence', 'decide', 'forget', 'now']
    const prototype = 'auth.(prototype)'
    const expected = [
      'auth',
      prototype,
      ...['', '.length', '.name'].map(name => `${prototype}.constructor${name}`),
      ...methods.flatMap(name => ['', '.length', '.name'].map(more => `${prototype}.${name}${more}`)),
    ]
    expect(reach(auth, 'auth').sort()).toEqual(expected.sort())
    expect(JSON.stringify({ auth })).toBe('{"auth":{}}')
    expect(Object.keys(auth)).toEqual([])
  })

  it('gives of a viewer the claims and what the request shows, and no more', async () => {
    const { auth } = server.auth.context(
      { headers: { authorization: `Bearer ${(await server.login(account)).accessToken}` } },
      { appendHeader: () => {} },
    )
    const found = await auth.viewerOrNull()
    const paths = reach(found, 'viewer').map(path => path.replace(/\.\d+$|\.length$|\.name$/, ''))
    // The claims' roles are the viewer's: one and the same list.
    const claims = ['sub', 'sid', 'ver', 'epoch', 'scope', 'auth_time', 'iat', 'exp', 'iss', 'aud']
    expect([...new Set(paths)].sort()).toEqual(
      [
        'viewer',
        ...['userId', 'sessionId', 'roles', 'scopes', 'claims'].map(name => `viewer.${name}`),
        ...['ipAddress', 'userAgent', 'binding', 'newBinding', 'revoked'].map(name => `viewer.${name}`),
        ...[...claims, 'client_id', 'jti', 'amr'].map(name => `viewer.claims.${name}`),
      ].sort(),
    )
  })
})
