import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled'
import { startStandaloneServer } from '@apollo/server/standalone'
import { describe, expect, it } from '@jest/globals'
import express from 'express'
import { fastify } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import { createYoga } from 'graphql-yoga'
import mercurius from 'mercurius'
import type { GraphQLContext } from '../../src/request/context.ts'
import { annulExpress } from '../../src/servers/express.ts'
import { annulFastify } from '../../src/servers/fastify.ts'
import { annulMercurius } from '../../src/servers/mercurius.ts'
import { annulYoga } from '../../src/servers/yoga.ts'
import { createClient } from '../support/client.ts'
import { useFixture } from '../support/useFixture.ts'
import { listenWith } from './contract/listenWith.ts'
import { openAppAuth, useClosing } from './support.ts'

/* Each kind of server serves a subgraph: `_service`, `_entities` refused one by one, and 200 in any case. */

const annul = useFixture(() => openAppAuth({ limits: false }))
const closeLater = useClosing()

const servers: Record<string, (schema: GraphQLSchema) => Promise<string>> = {
  async 'Apollo Server'(schema) {
    const settings = annul.auth.apollo()
    const plugins = [...settings.plugins, ApolloServerPluginInlineTraceDisabled()]
    const apollo = new ApolloServer<GraphQLContext>({ schema, ...settings, plugins })
    closeLater(() => apollo.stop())
    const listen = { host: '127.0.0.1', port: 0 }
    return (await startStandaloneServer(apollo, { listen, context: annul.auth.context })).url
  },
  async Express(schema) {
    const { url, close } = await listenWith(express().use(annulExpress(annul.auth, { schema })))
    closeLater(close)
    return url
  },
  async Fastify(schema) {
    const app = fastify()
    closeLater(() => app.close())
    await app.register(annulFastify, { auth: annul.auth, schema })
    return app.listen({ host: '127.0.0.1', port: 0 })
  },
  async Yoga(schema) {
    const yoga = createYoga({ schema, plugins: [annulYoga(annul.auth)], logging: false })
    const { url, close } = await listenWith(yoga)
    closeLater(close)
    return url
  },
  async Mercurius(schema) {
    const app = fastify()
    closeLater(() => app.close())
    await app.register(mercurius, { schema, ...annulMercurius(annul.auth) })
    return app.listen({ host: '127.0.0.1', port: 0 })
  },
}

const stubs = `extend type Query { broken: Int! } type Note @key(fields: "id") { id: ID! text: String }`
const resolvers = {
  Query: {
    broken: () => {
      throw new Error('a cause')
    },
  },
  Note: { __resolveReference: ({ id }: { id: string }) => ({ id, text: 'a note' }) },
}
const accept = 'application/graphql-response+json'

describe.each(Object.entries(servers))('%s', (_name, start) => {
  it('serves a subgraph', async () => {
    const schema = annul.auth.schema({ federation: true, typeDefs: stubs, resolvers })
    const { send, signUp } = createClient(new URL(await start(schema)).origin)
    const { data } = await send<{ _service: { sdl: string } }>('{ _service { sdl } }')
    expect(data?._service.sdl).toContain('type User @key(fields: "id")')

    const [account, stranger] = [await signUp(), await signUp()]
    const list = [account, stranger]
      .map(({ userId }) => `{ __typename: "User", id: "${userId}" }`)
      .concat('{ __typename: "Note", id: "1" }')
    const query = `{ _entities(representations: [${list}]) { ... on User { id } ... on Note { text } } }`
    const found = await send(query, { token: account.accessToken, headers: { accept } })
    expect(found).toMatchObject({
      status: 200,
      data: { _entities: [{ id: account.userId }, null, { text: 'a note' }] },
      errors: [{ path: ['_entities', 1], extensions: { code: 'FORBIDDEN', required: { roles: ['admin'] } } }],
    })
    for (const [asked, code] of [
      ['{ me { id } }', 'UNAUTHENTICATED'],
      ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
      ['{', 'GRAPHQL_PARSE_FAILED'],
      ['{ broken }', 'INTERNAL_SERVER_ERROR'],
    ] as const)
      for (const headers of [{}, { accept }]) {
        const answer = await send(asked, { headers })
        expect([asked, headers, answer.status, answer.code]).toEqual([asked, headers, 200, code])
      }
  })

  it('serves what is no subgraph as before', async () => {
    const { send } = createClient(new URL(await start(annul.auth.schema())).origin)
    expect(await send('{ me { id } }')).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
  })
})
