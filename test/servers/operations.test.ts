import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { afterEach, describe, expect, it } from '@jest/globals'
import { fastify } from 'fastify'
import { createYoga } from 'graphql-yoga'
import { mercurius } from 'mercurius'
import type { Auth } from '../../src/auth.ts'
import type { GraphQLContext } from '../../src/request/context.ts'
import { annulFastify } from '../../src/servers/fastify.ts'
import { annulMercurius } from '../../src/servers/mercurius.ts'
import { annulYoga } from '../../src/servers/yoga.ts'
import { temporaryDirectory } from '../support/database.ts'
import { openSocket } from '../support/socket.ts'
import { listenWith } from './contract/listenWith.ts'
import { openAppAuth, posting, send } from './support.ts'

/* ANNUL_OPERATIONS: a server that answers only the operations of a file. */

const listed = 'query Shop($n: Int) { shop(n: $n) }'
const second = '{ shop __typename }'
const hash = createHash('sha256').update(listed).digest('hex')

const manifests: Record<string, object> = {
  'Apollo’s format': {
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [
      { id: 'shop-1', name: 'Shop', type: 'query', body: listed },
      { id: 'shop-2', name: 'Second', type: 'query', body: second },
    ],
  },
  'documents by their ids': { 'shop-1': listed, 'shop-2': second },
}

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Serve = (
  auth: Auth,
  schema: ReturnType<Auth['schema']>,
) => Promise<{ url: string; close(): Promise<unknown> }>
const servers: Record<string, Serve> = {
  async 'Annul’s own'(auth, schema) {
    const app = fastify()
    await app.register(annulFastify, { auth, schema })
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async 'Apollo Server'(auth, schema) {
    const apollo = new ApolloServer<GraphQLContext>({
      schema,
      ...auth.apollo(),
      stopOnTerminationSignals: false,
    })
    const { url } = await startStandaloneServer(apollo, {
      listen: { host: '127.0.0.1', port: 0 },
      context: auth.context,
    })
    return { url: new URL(url).origin, close: () => apollo.stop() }
  },
  Yoga: (auth, schema) => listenWith(createYoga({ schema, plugins: [annulYoga(auth)] })),
  async Mercurius(auth, schema) {
    const app = fastify()
    await app.register(mercurius, { schema, ...annulMercurius(auth) })
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
}

async function start(serve: Serve, manifest: object) {
  const operations = join(await temporaryDirectory(), 'operations.json')
  await writeFile(operations, JSON.stringify(manifest))
  const opened = await openAppAuth({ operations })
  closing.push(opened.close)
  let calls = 0
  const schema = opened.auth.schema({
    typeDefs: 'extend type Query { shop(n: Int): Int }',
    resolvers: {
      Query: {
        shop: (_: unknown, { n }: { n?: number }) => {
          calls++
          return n ?? 0
        },
      },
    },
  })
  const { url, close } = await serve(opened.auth, schema)
  closing.push(close)
  return {
    url,
    calls: () => calls,
    async post(body: object) {
      const { status, text } = await send(`${url}/graphql`, posting(body))
      return { status, ...JSON.parse(text) }
    },
    async get(parameters: Record<string, string>) {
      const headers = { 'apollo-require-preflight': '1' }
      const { status, text } = await send(`${url}/graphql?${new URLSearchParams(parameters)}`, { headers })
      return { status, ...JSON.parse(text) }
    },
  }
}

const persisted = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } })
const refused = {
  status: 400,
  errors: [
    {
      message: 'This server answers only the operations that it knows, and this is none of them.',
      extensions: { code: 'PERSISTED_QUERY_NOT_IN_LIST' },
    },
  ],
}

describe.each(Object.keys(servers))('%s', name => {
  const serve = servers[name] as Serve

  it.each(Object.entries(manifests))('answers the operations of a file: %s', async (_, manifest) => {
    const server = await start(serve, manifest)
    const variables = { n: 7 }
    for (const body of [
      { query: listed, variables },
      { query: `# a comment\n  query   Shop($n:Int,){shop(n:$n)}\n`, variables },
      { query: `# a comment\n  query   Shop($n:Int,){shop(n:$n)}\n`, variables },
      { extensions: persisted(hash), variables },
      { extensions: persisted('shop-1'), variables },
      { query: listed, extensions: persisted(hash), variables },
      { documentId: 'shop-1', variables },
      { documentId: `sha256:${hash}`, variables },
      { id: 'shop-1', variables },
      { doc_id: 'shop-1', variables },
    ])
      expect(await server.post(body)).toMatchObject({ status: 200, data: { shop: 7 } })
    expect(await server.get({ query: second })).toMatchObject({ status: 200, data: { shop: 0 } })
    expect(
      await server.get({ extensions: JSON.stringify(persisted(hash)), variables: '{"n":7}' }),
    ).toMatchObject({
      status: 200,
      data: { shop: 7 },
    })
  })

  it('refuses everything else, and carries nothing of it out', async () => {
    const server = await start(serve, manifests['documents by their ids'] ?? {})
    for (const body of [
      { query: '{ shop }' },
      { query: `${listed} query Other { shop }` },
      { query: '{ __schema { types { name } } }' },
      { query: '{ nothing }' },
      { query: '{' },
      { query: `{ ${'shop '.repeat(3000)} }` },
      { query: '{ shop }', documentId: 'shop-1' },
      { query: '{ shop }', extensions: persisted(hash) },
      { extensions: persisted('0'.repeat(64)) },
      { documentId: 'shop-3' },
      { documentId: 'constructor' },
      { documentId: ['shop-1'] },
    ])
      expect(await server.post(body)).toMatchObject(refused)
    // These are refused as they are without a file.
    for (const body of [{}, { query: '{a'.repeat(5000) }])
      expect(await server.post(body)).toMatchObject({ status: 400 })
    expect(await server.get({ query: '{ shop }' })).toMatchObject(refused)
    expect(server.calls()).toBe(0)
  })
})

describe('Sockets', () => {
  it.each(['Annul’s own', 'Mercurius'])('of %s answer these operations and no others', async name => {
    const { url, calls } = await start(servers[name] as Serve, manifests['documents by their ids'] ?? {})
    const ask = async (payload: object) => {
      const raw = await openSocket(url)
      raw.send({ id: '1', type: 'subscribe', payload })
      const answer = await raw.heard(({ type }) => type === 'next' || type === 'error')
      raw.socket.terminate()
      return answer.payload
    }
    expect(await ask({ query: '{ shop }' })).toEqual(refused.errors)
    expect(await ask({ query: '', extensions: persisted('none') })).toEqual(refused.errors)
    expect(calls()).toBe(0)
    expect(await ask({ query: listed, variables: { n: 3 } })).toEqual({ data: { shop: 3 } })
    expect(await ask({ query: '', extensions: persisted(hash), variables: { n: 3 } })).toEqual({
      data: { shop: 3 },
    })
  })
})
