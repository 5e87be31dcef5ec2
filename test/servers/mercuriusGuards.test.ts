import { beforeEach, describe, expect, it } from '@jest/globals'
import { type FastifyInstance, fastify } from 'fastify'
import { extendSchema, parse } from 'graphql'
import { type MercuriusOptions, mercurius } from 'mercurius'
import type { GraphQLContext } from '../../src/request/context.ts'
import { annulMercurius } from '../../src/servers/mercurius.ts'
import { bearer, closeAfterEach, startMercurius, useAuth } from './mercurius/support.ts'

/* Mercurius takes resolvers, loaders and whole schemas after a schema was guarded. */

const { auth, errors } = useShared()
function useShared() {
  const shared = useAuth()
  return { auth: () => shared.auth, errors: () => shared.errors }
}
closeAfterEach()

const extension = {
  typeDefs: `
    type Note { text: String @auth }
    extend type Query { secret: String @auth, notes: [Note!] @auth, open: String, openNotes: [Plain!] }
    type Plain { text: String, hidden: String @auth }
    extend type Mutation { write: Int @auth, touch: String }`,
  resolvers: {
    Query: {
      notes: () => [{ id: 1 }, { id: 2 }],
      openNotes: () => [{ id: 1 }, { id: 2 }],
      open: () => 'open',
    },
  },
}

let carriedOut: string[] = []
beforeEach(() => {
  carriedOut = []
})
const note = (name: string) => async () => {
  carriedOut.push(name)
  return name
}
const loader = (name: string) => async (queries: { obj: { id?: number } }[]) => {
  carriedOut.push(name)
  return queries.map(({ obj }) => `${name} ${obj.id}`)
}

const loaders = { Plain: { text: loader('text'), hidden: loader('hidden') } }
const query = '{ openNotes { text hidden } }'
const refused = (...path: (string | number)[]) => ({
  path,
  extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' },
})

describe('loaders of Mercurius', () => {
  const cases: [string, Partial<MercuriusOptions>, (app: FastifyInstance) => void][] = [
    ['given as an option', { loaders }, () => {}],
    ['defined after Mercurius was registered', {}, app => app.graphql.defineLoaders(loaders)],
    ['given as an option to a Mercurius that compiles', { loaders, jit: 1 }, () => {}],
  ]
  it.each(cases)(
    '%s are not called where @auth refuses, and load where it does not',
    async (_, options, configure) => {
      const server = await startMercurius(auth(), { extension, options, configure })
      const { accessToken } = await server.signUp()
      for (let time = 0; time < 4; time++) {
        const { json } = await server.post({ query })
        expect(json.data).toEqual({
          openNotes: [
            { text: 'text 1', hidden: null },
            { text: 'text 2', hidden: null },
          ],
        })
        expect(json.errors).toMatchObject([
          refused('openNotes', 0, 'hidden'),
          refused('openNotes', 1, 'hidden'),
        ])
        expect(carriedOut).not.toContain('hidden')
      }
      for (let time = 0; time < 4; time++)
        expect((await server.post({ query }, bearer(accessToken))).json.data).toEqual({
          openNotes: [
            { text: 'text 1', hidden: 'hidden 1' },
            { text: 'text 2', hidden: 'hidden 2' },
          ],
        })
      // One call for both notes, as a loader is for.
      expect(carriedOut.filter(name => name === 'hidden')).toHaveLength(4)
    },
  )
})

describe('resolvers that Mercurius is given', () => {
  const resolvers = () => ({
    Query: { secret: note('secret') },
    Mutation: { write: note('write') },
  })
  const cases: [string, (app: FastifyInstance) => void | Promise<void>, Partial<MercuriusOptions>?][] = [
    ['as an option', () => {}, { resolvers: resolvers() as never }],
    ['by defineResolvers', app => app.graphql.defineResolvers(resolvers() as never)],
    [
      'once the app is ready',
      async app => {
        await app.ready()
        app.graphql.defineResolvers(resolvers() as never)
      },
    ],
  ]
  it.each(cases)('%s are guarded by the @auth of their fields', async (_, configure, options = {}) => {
    const server = await startMercurius(auth(), { extension, configure, options })
    const { accessToken } = await server.signUp()
    expect(await server.send('{ secret }')).toMatchObject({ status: 401, data: { secret: null } })
    expect(await server.send('mutation { write }')).toMatchObject({ status: 401, data: { write: null } })
    expect(carriedOut).toEqual([])
    expect((await server.send('{ secret }', { token: accessToken })).data).toEqual({ secret: 'secret' })
    expect(carriedOut).toEqual(['secret'])
  })

  it('for fields of extendSchema are guarded, on any way to the schema, before the first request too', async () => {
    const server = await startMercurius(auth(), {
      extension,
      configure(app) {
        app.graphql.extendSchema('extend type Query { later: String @auth, latest: String }')
        app.graphql.defineResolvers({ Query: { later: note('later'), latest: note('latest') } } as never)
        app.get('/own', async (request, reply) =>
          reply.graphql('{ later latest }', { ...(await auth().context(request, reply)) }),
        )
      },
    })
    const own = await fetch(`${server.url}/own`)
    expect(await own.json()).toMatchObject({
      data: { later: null, latest: 'latest' },
      errors: [refused('later')],
    })
    expect(await server.send('{ later }')).toMatchObject({ status: 401 })
    // A resolver that is put in place afterwards.
    server.app.graphql.defineResolvers({ Query: { later: note('last') } } as never)
    expect(await server.send('{ later }')).toMatchObject({ status: 401 })
    expect(carriedOut).toEqual(['latest'])
    const { accessToken } = await server.signUp()
    expect((await server.send('{ later }', { token: accessToken })).data).toEqual({ later: 'last' })
  })

  it('of a schema that takes the place of the first are guarded', async () => {
    const server = await startMercurius(auth(), { extension })
    expect(await server.send('{ secret }')).toMatchObject({ status: 401 })
    const extended = extendSchema(
      server.app.graphql.schema,
      parse('extend type Query { more: String @auth }'),
    )
    server.app.graphql.replaceSchema(extended)
    server.app.graphql.defineResolvers({ Query: { more: note('more') } } as never)
    expect(await server.send('{ more }')).toMatchObject({ status: 401, data: { more: null } })
    expect(carriedOut).toEqual([])
  })

  it('for a schema that is a text are guarded too', async () => {
    const typeDefs = `
      directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on OBJECT | FIELD_DEFINITION
      type Query { secret: String @auth, open: String }`
    const server = await startMercurius(auth(), {
      options: {
        schema: typeDefs,
        resolvers: { Query: { secret: note('secret'), open: note('open') } } as never,
      },
    })
    expect(await server.send('{ secret }')).toMatchObject({ status: 401 })
    expect((await server.send('{ open secret }')).data).toEqual({ open: 'open', secret: null })
    expect(carriedOut).toEqual(['open'])
  })
})

describe('an @auth that can not be enforced', () => {
  const typeDefs = `
    directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on OBJECT | FIELD_DEFINITION
    interface Animal { name: String @auth }
    type Query { animal: Animal }`

  it('keeps the app from starting, and is named', async () => {
    const app = fastify()
    app.register(mercurius, { schema: typeDefs, ...annulMercurius(auth()) })
    await expect(app.ready()).rejects.toThrow(/Animal\.name/)
    await app.close()
  })

  it('that comes later lets no request through, and is named in the log', async () => {
    const server = await startMercurius(auth(), { extension })
    server.app.graphql.extendSchema(
      'interface Animal { name: String @auth } extend type Query { animal: Animal }',
    )
    const before = errors().length
    const answer = await server.send('{ open }')
    expect(answer).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(errors().slice(before)).toMatchObject([
      { id: answer.errors?.[0]?.extensions.id, err: { message: expect.stringContaining('Animal.name') } },
    ])
  })
})

describe('a compiled document', () => {
  it('is guarded at each request: before a token is there, with it, and after its end', async () => {
    const server = await startMercurius(auth(), {
      extension: {
        typeDefs: extension.typeDefs,
        resolvers: {
          Query: {
            ...extension.resolvers.Query,
            secret: (_source: unknown, _args: unknown, context: GraphQLContext) =>
              context.auth.viewer().userId,
          },
          Mutation: { write: note('write') },
        } as never,
      },
      options: { jit: 1 },
    })
    const { accessToken, userId } = await server.signUp()
    for (let time = 0; time < 4; time++) {
      expect(await server.send('{ secret }')).toMatchObject({ status: 401, data: { secret: null } })
      expect((await server.send('{ secret }', { token: accessToken })).data).toEqual({ secret: userId })
      expect(await server.send('mutation { write }')).toMatchObject({ status: 401 })
    }
    expect(carriedOut).toEqual([])
    expect((await server.send('mutation { revokeSessions }', { token: accessToken })).status).toBe(200)
    expect(await server.send('{ secret }', { token: accessToken })).toMatchObject({
      status: 401,
      reason: 'SESSIONS_REVOKED',
    })
    // The guard of a root field of a mutation decides anew when the document is compiled.
    const killing = 'mutation { revokeSessions write }'
    for (let time = 0; time < 3; time++) {
      const { accessToken: token } = await server.signUp()
      const { json } = await server.post({ query: killing }, bearer(token))
      expect(json.errors).toMatchObject([{ path: ['write'], extensions: { reason: 'SESSIONS_REVOKED' } }])
    }
    expect(carriedOut).toEqual([])
  })

  it('of several operations carries out the one that is named', async () => {
    const server = await startMercurius(auth(), {
      extension: { ...extension, resolvers: { ...extension.resolvers, Mutation: { touch: note('touch') } } },
      options: { jit: 1 },
    })
    const query = 'query Read { open } mutation Touch { touch }'
    for (let time = 0; time < 4; time++)
      expect((await server.post({ query, operationName: 'Touch' })).json.data).toEqual({ touch: 'touch' })
    for (let time = 0; time < 4; time++)
      expect((await server.post({ query, operationName: 'Read' })).json.data).toEqual({ open: 'open' })
    expect(await server.get({ query, operationName: 'Read' })).toMatchObject({ status: 405 })
    expect(carriedOut).toHaveLength(4)
  })

  it('takes the defaults of input objects, within lists and input objects too', async () => {
    const server = await startMercurius(auth(), {
      extension: {
        typeDefs: `
          enum Size { BIG SMALL }
          input Lid { size: Size! = BIG }
          input Box { size: Size! = BIG, inner: [Lid!], ids: [ID!]! = ["1"] }
          extend type Query { boxes(box: Box!): String }`,
        resolvers: {
          Query: { boxes: (_source: unknown, { box }: { box: object }) => JSON.stringify(box) },
        },
      },
      options: { jit: 1 },
    })
    const query = 'query ($box: Box!) { boxes(box: $box) }'
    const answers = new Set<unknown>()
    for (let time = 0; time < 4; time++) {
      const { json } = await server.post({ query, variables: { box: { inner: [{ size: 'SMALL' }, {}] } } })
      expect(json.errors).toBeUndefined()
      answers.add(JSON.parse(String(json.data?.boxes)).inner[1].size)
    }
    expect([...answers]).toEqual(['BIG'])
    expect(
      (await server.post({ query, variables: { box: { inner: [{ size: null }] } } })).json.errors,
    ).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
  })
})
