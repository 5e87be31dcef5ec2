import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { fastify } from 'fastify'
import { GraphQLError, parse } from 'graphql'
import { mercurius } from 'mercurius'
import type { Auth } from '../../src/auth.ts'
import { AuthError } from '../../src/errors.ts'
import type { GraphQLContext } from '../../src/request/context.ts'
import { annulMercurius } from '../../src/servers/mercurius.ts'
import { bearer, closeAfterEach, type Start, startMercurius, useAuth } from './mercurius/support.ts'

const shared = useAuth()
closeAfterEach()
const start = (options: Start = {}) => startMercurius(shared.auth, { extension, ...options })

const mistake = 'the-secret-of-an-app'
const typeDefs = `
  extend type Query { secret: String @auth, open: String, told: String, broken: String!, shop: String, items: [Item!] }
  type Item { broken: String }
  extend type Mutation { touch: String }`
const extension = {
  typeDefs,
  resolvers: {
    Query: {
      secret: (_source: unknown, _args: unknown, { auth }: GraphQLContext) => auth.viewer().userId,
      open: () => 'open',
      shop: (_source: unknown, _args: unknown, { shop }: { shop?: string }) => shop,
      told: () => {
        throw new mercurius.ErrorWithProps('The shop is closed.', { code: 'CLOSED' })
      },
      broken: () => {
        throw new mercurius.ErrorWithProps(mistake, { reason: mistake }, 418)
      },
      items: () => [{}, {}],
    },
    Item: {
      broken: () => {
        throw new Error(mistake)
      },
    },
    Mutation: { touch: () => 'touched' },
  },
}

const codes = (errors: readonly { extensions: { code: string } }[] = []) =>
  errors.map(({ extensions }) => extensions.code)

describe('errors', () => {
  it('of Mercurius with a code of the app’s own are told, and those without are not', async () => {
    const { post } = await start()
    const { status, text, json } = await post({ query: '{ told open }' })
    expect(status).toBe(200)
    expect(json).toEqual({
      data: { told: null, open: 'open' },
      errors: [
        {
          message: 'The shop is closed.',
          path: ['told'],
          locations: [{ line: 1, column: 3 }],
          extensions: { code: 'CLOSED' },
        },
      ],
    })
    const broken = await post({ query: '{ broken }' })
    expect(broken).toMatchObject({ status: 200, json: { data: null } })
    expect(codes(broken.json.errors)).toEqual(['INTERNAL_SERVER_ERROR'])
    expect(text + broken.text).not.toContain(mistake)
  })

  it('name items of a list by numbers', async () => {
    const { json } = await (await start()).post({ query: '{ items { broken } }' })
    expect(json.errors?.map(({ path }) => path)).toEqual([
      ['items', 0, 'broken'],
      ['items', 1, 'broken'],
    ])
  })

  it.each<[string, unknown, number, string, Record<string, string>?]>([
    ['a body that is no JSON', '{', 400, 'BAD_REQUEST'],
    ['an empty body', '', 400, 'BAD_REQUEST'],
    ['a body of another shape', { query: '{ open }', variables: 'none' }, 400, 'BAD_REQUEST'],
    ['a body without a query', {}, 400, 'BAD_REQUEST'],
    ['a body of another type', '{ open }', 415, 'BAD_REQUEST', { 'content-type': 'application/xml' }],
    ['a body that is too large', { query: `{ open } #${'x'.repeat(100_000)}` }, 413, 'BODY_TOO_LARGE'],
    ['a syntax error', { query: '{ open' }, 400, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: '{ nothing }' }, 400, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'an unknown operation',
      { query: 'query A { open }', operationName: 'B' },
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
    [
      'a variable of another type',
      { query: 'query ($id: ID!) { user(id: $id) { id } }', variables: { id: {} } },
      400,
      'BAD_USER_INPUT',
    ],
    ['more than 2,000 tokens', { query: `{ ${'open '.repeat(2000)} }` }, 400, 'TOO_MANY_TOKENS'],
    ['more than 100 levels', { query: '{a'.repeat(101) }, 400, 'GRAPHQL_PARSE_FAILED'],
    ['a parsed document as JSON', { query: JSON.stringify(parse('{ open }')) }, 400, 'GRAPHQL_PARSE_FAILED'],
    [
      'a parsed document that GraphQL’s own lexer can not read to its end',
      { query: JSON.stringify({ ...parse('{ open }'), x: '\ud800' }) },
      400,
      'GRAPHQL_PARSE_FAILED',
    ],
    ['an empty object', { query: '{}' }, 400, 'GRAPHQL_PARSE_FAILED'],
  ])(
    'about %s have a status and a code, and are no failure of the server',
    async (_, ...[body, status, code, headers]) => {
      const before = shared.errors.length
      const server = await start()
      for (let time = 0; time < 2; time++) {
        const answer = await server.post(body, headers)
        expect({ status: answer.status, codes: codes(answer.json.errors) }).toEqual({ status, codes: [code] })
        expect(answer.json.data ?? null).toBeNull()
        expect(answer.headers.get('cache-control')).toBe('no-store')
      }
      expect(shared.errors).toHaveLength(before)
    },
  )

  it('about a query that is deeper than the app allows are told', async () => {
    const { json, status } = await (await start({ options: { queryDepth: 1 } })).post({
      query: '{ me { sessions { id } } }',
    })
    expect({ status, codes: codes(json.errors) }).toEqual({
      status: 400,
      codes: ['GRAPHQL_VALIDATION_FAILED'],
    })
  })

  it('that hooks and contexts of the app throw are told as an id, with their status', async () => {
    const server = await start({
      own: {
        context: request => {
          if (request.headers['x-fails'] === 'context') throw new Error(mistake)
          if (request.headers['x-fails'] === 'busy')
            throw new AuthError('TOO_MANY_REQUESTS', 'Not so fast.', { retryAfter: 3 })
          return {}
        },
      },
      configure: app => {
        app.addHook('preHandler', async ({ headers }) => {
          if (headers['x-fails'] === 'hook') throw Object.assign(new Error(mistake), { statusCode: 403 })
        })
      },
    })
    const before = shared.errors.length
    const hook = await server.post({ query: '{ open }' }, { 'x-fails': 'hook' })
    expect({ status: hook.status, codes: codes(hook.json.errors) }).toEqual({
      status: 403,
      codes: ['INTERNAL_SERVER_ERROR'],
    })
    const context = await server.send('{ open }', { headers: { 'x-fails': 'context' } })
    expect(context).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(hook.text + JSON.stringify(context.errors)).not.toContain(mistake)
    expect(shared.errors.slice(before)).toMatchObject([
      { id: hook.json.errors?.[0]?.extensions.id, err: { message: mistake } },
      { id: context.errors?.[0]?.extensions.id, err: { message: mistake } },
    ])
    const busy = await server.send('{ open }', { headers: { 'x-fails': 'busy' } })
    expect(busy).toMatchObject({ status: 429, code: 'TOO_MANY_REQUESTS' })
    expect(busy.headers.get('retry-after')).toBe('3')
  })
})

describe('GET requests', () => {
  it('carry queries, whose variables are bounded', async () => {
    const server = await start()
    const { accessToken, userId } = await server.signUp()
    expect((await server.get({ query: '{ secret }' }, bearer(accessToken))).json.data).toEqual({
      secret: userId,
    })
    expect(await server.get({ query: '{ secret }' })).toMatchObject({ status: 401 })
    const variables = '['.repeat(200) + ']'.repeat(200)
    for (const refused of [
      { query: 'mutation { touch }' },
      { query: 'query A { open } mutation B { touch }', operationName: 'A' },
    ]) {
      const { status, headers } = await server.get(refused)
      expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'POST' })
    }
    const before = shared.errors.length
    for (const [parameters, code] of [
      [{ query: '{ open }', operationName: 'Unknown' }, 'OPERATION_RESOLUTION_FAILURE'],
      [{ query: 'query A { open } query B { open }' }, 'OPERATION_RESOLUTION_FAILURE'],
      [{ query: 'query ($ids: ID) { user(id: $ids) { id } }', variables }, 'BAD_REQUEST'],
      [{ query: '{ open }', variables: '{' }, 'BAD_REQUEST'],
      [{ query: JSON.stringify(parse('{ open }')) }, 'GRAPHQL_PARSE_FAILED'],
    ] as const) {
      const { status, json } = await server.get(parameters as Record<string, string>)
      expect({ status, codes: codes(json.errors) }).toEqual({ status: 400, codes: [code] })
    }
    expect(shared.errors).toHaveLength(before)
  })
})

describe('batches', () => {
  it('decide for each operation, and are answered with 200', async () => {
    const server = await start({ options: { allowBatchedQueries: true } })
    const { accessToken, userId } = await server.signUp()
    const { status, json } = await server.post(
      [
        { query: '{ open }' },
        { query: 'mutation { revokeSessions }' },
        { query: '{ broken }' },
        { query: '{ nothing }' },
        {},
      ],
      bearer(accessToken),
    )
    expect(status).toBe(200)
    expect(json).toMatchObject([
      { data: { open: 'open' } },
      { data: { revokeSessions: true }, extensions: { annul: { revokedOnAllNodesMs: expect.any(Number) } } },
      { data: null, errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) } }] },
      { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
      { errors: [{ message: 'The request has no query.', extensions: { code: 'BAD_REQUEST' } }] },
    ])
    expect(json[0]).not.toHaveProperty('extensions')
    const after = await server.post(
      [{ query: '{ secret }' }, { query: '{ open secret }' }],
      bearer(accessToken),
    )
    expect(after).toMatchObject({
      status: 200,
      json: [
        { data: { secret: null }, errors: [{ extensions: { reason: 'SESSIONS_REVOKED' } }] },
        { data: { open: 'open', secret: null } },
      ],
    })
    const { accessToken: other, userId: otherId } = await server.signUp()
    expect(otherId).not.toBe(userId)
    const single = await server.post([{ query: '{ secret }' }], bearer(other))
    expect(single.json).toEqual([{ data: { secret: otherId } }])
  })

  it('have a bounded number of operations, each within the bounds', async () => {
    const server = await start({ options: { allowBatchedQueries: true } })
    const many = await server.post(Array(33).fill({ query: '{ open }' }))
    expect({ status: many.status, codes: codes(many.json.errors) }).toEqual({
      status: 400,
      codes: ['BAD_REQUEST'],
    })
    const nested = await server.post([{ query: '{ open }' }, { query: '{a'.repeat(101) }])
    expect({ status: nested.status, codes: codes(nested.json.errors) }).toEqual({
      status: 400,
      codes: ['GRAPHQL_PARSE_FAILED'],
    })
  })

  it('are refused where the app has not allowed them', async () => {
    expect(await (await start()).post([{ query: '{ open }' }])).toMatchObject({ status: 400 })
  })
})

describe('persisted queries', () => {
  const secret = { secret: '{ secret }', open: '{ open }' }

  it('that are prepared are guarded, and nothing else is carried out where nothing else is allowed', async () => {
    const server = await start({ options: { persistedQueries: secret, onlyPersisted: true, jit: 1 } })
    for (let time = 0; time < 3; time++) {
      expect(await server.post({ persisted: true, query: 'secret' })).toMatchObject({
        status: 401,
        json: { data: { secret: null } },
      })
      expect((await server.post({ persisted: true, query: 'open' })).json.data).toEqual({ open: 'open' })
    }
    for (const body of [{ query: '{ open }' }, { persisted: true, query: 'unknown' }])
      expect(await server.post(body)).toMatchObject({ status: 400 })
  })

  it('that register themselves are guarded and bounded', async () => {
    const server = await start({
      options: { persistedQueryProvider: mercurius.persistedQueryDefaults.automatic() },
    })
    const persisted = (query: string) => ({
      persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') },
    })
    const unknown = await server.post({ extensions: persisted('{ secret }') })
    expect({ status: unknown.status, codes: codes(unknown.json.errors) }).toEqual({
      status: 400,
      codes: ['PERSISTED_QUERY_NOT_FOUND'],
    })
    expect(unknown.json.errors?.[0]?.message).toBe('PersistedQueryNotFound')
    expect(await server.post({ query: '{ secret }', extensions: persisted('{ secret }') })).toMatchObject({
      status: 401,
    })
    expect(await server.post({ extensions: persisted('{ secret }') })).toMatchObject({
      status: 401,
      json: { data: { secret: null } },
    })
    const ast = JSON.stringify(parse('{ open }'))
    for (const query of [ast, '{a'.repeat(101)]) {
      expect(await server.post({ query, extensions: persisted(query) })).toMatchObject({ status: 400 })
      expect(codes((await server.post({ extensions: persisted(query) })).json.errors)).toEqual([
        'PERSISTED_QUERY_NOT_FOUND',
      ])
    }
  })
})

describe('options beside Annul’s', () => {
  it('put an app’s own values into the context, beside auth', async () => {
    const server = await start({
      own: { context: request => ({ shop: request.headers['x-shop'], auth: 'nobody' }) },
      options: { allowBatchedQueries: true },
    })
    const { accessToken, userId } = await server.signUp()
    const headers = { ...bearer(accessToken), 'x-shop': 'corner' }
    // What an app calls `auth` does not take the place of Annul's.
    expect((await server.post({ query: '{ shop secret }' }, headers)).json.data).toEqual({
      shop: 'corner',
      secret: userId,
    })
    expect(
      (await server.post([{ query: '{ shop secret }' }, { query: '{ secret }' }], headers)).json,
    ).toMatchObject([{ data: { shop: 'corner', secret: userId } }, { data: { secret: userId } }])
  })

  it('are combined: rules, transforms and hooks', async () => {
    const told: string[] = []
    const server = await start({
      own: {
        validationRules: [
          context => ({
            Field(node) {
              if (node.name.value === 'shop') context.reportError(new GraphQLError('No shops here.'))
            },
          }),
        ],
        schemaTransforms: [
          schema => {
            told.push('transform')
            return schema
          },
        ],
        additionalRouteOptions: {
          preValidation: async () => void told.push('preValidation'),
          preHandler: [async () => void told.push('preHandler')],
          preSerialization: async (_request, _reply, payload) => ({ ...(payload as object), mine: 1 }),
        },
      },
    })
    const { json } = await server.post({ query: '{ open }' })
    expect(json).toEqual({ data: { open: 'open' }, mine: 1 })
    expect(told).toEqual(['transform', 'preValidation', 'preHandler'])
    expect((await server.post({ query: '{ shop }' })).json.errors?.[0]?.message).toBe('No shops here.')
    expect(await server.post({ query: '{ secret }' })).toMatchObject({ status: 401 })
  })

  it('that are unknown are told with the nearest name, and so is a wrong auth', () => {
    expect(() => annulMercurius(shared.auth, { contexts: () => ({}) } as never)).toThrow(
      new TypeError(
        'annulMercurius has no option "contexts". The nearest name is "context". ' +
          'Options of Mercurius itself stand beside annulMercurius(auth).',
      ),
    )
    expect(() => annulMercurius({} as Auth)).toThrow('"auth" must be what createAuth has returned.')
  })

  it('that take the place of Annul’s hooks let nobody in, and the log says why', async () => {
    const server = await start({ options: { additionalRouteOptions: {} } })
    const before = shared.errors.length
    const { code } = await server.send('{ secret }', { token: 'any' })
    expect(code).toBe('INTERNAL_SERVER_ERROR')
    expect(shared.errors.slice(before)).toMatchObject([
      { err: { message: expect.stringMatching(/^Mercurius runs without the additionalRouteOptions/) } },
    ])
  })

  it('serve GraphiQL', async () => {
    const { url } = await start({ options: { graphiql: true } })
    const page = await fetch(`${url}/graphiql`)
    expect(await page.text()).toContain('GraphiQL')
    expect({ status: page.status, type: page.headers.get('content-type') }).toEqual({
      status: 200,
      type: expect.stringMatching(/^text\/html/),
    })
  })

  it('stand beside a path and a prefix', async () => {
    const app = fastify()
    await app.register(mercurius, {
      schema: shared.auth.schema(extension),
      ...annulMercurius(shared.auth),
      path: '/api',
      prefix: '/v1',
    })
    const { statusCode, headers } = await app.inject({
      method: 'POST',
      url: '/v1/api',
      body: { query: '{ secret }' },
    })
    expect({ statusCode, challenge: headers['www-authenticate'] }).toEqual({
      statusCode: 401,
      challenge: 'Bearer realm="annul"',
    })
    await app.close()
  })
})
