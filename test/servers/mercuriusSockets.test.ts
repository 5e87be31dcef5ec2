import { afterEach, describe, expect, it } from '@jest/globals'
import { parse } from 'graphql'
import { mercurius } from 'mercurius'
import type { GraphQLContext } from '../../src/request/context.ts'
import { openSocket, type RawSocket, upgradeOf } from '../support/socket.ts'
import { until } from '../support/until.ts'
import { closeAfterEach, type Start, startMercurius, useAuth } from './mercurius/support.ts'

const shared = useAuth()
const few = useAuth({ socketsPerAddress: 1 })
closeAfterEach()
const sockets: RawSocket[] = []
afterEach(() => {
  for (const { socket } of sockets.splice(0)) socket.terminate()
})
const open = async (url: string, payload: Record<string, unknown> = {}) => {
  const opened = await openSocket(url, payload)
  sockets.push(opened)
  return opened
}

const mistake = 'the-secret-of-a-source'
interface Context extends GraphQLContext {
  readonly pubsub: { subscribe(topic: string): Promise<AsyncIterable<unknown>> }
  readonly shop?: string
  readonly reply: { request: { headers: Record<string, unknown> } }
}
const extension = {
  typeDefs: `
    extend type Subscription { items: Item @auth, evens: Item, failing: Int, breaking: Int }
    type Item { number: Int, name: String, shop: String, header: String }`,
  resolvers: {
    Subscription: {
      items: {
        subscribe: (_source: unknown, _args: unknown, { pubsub }: Context) => pubsub.subscribe('ITEM'),
      },
      evens: {
        subscribe: mercurius.withFilter(
          (_source, _args, { pubsub }) => pubsub.subscribe('ITEM') as never,
          ({ items }) => items.number % 2 === 0,
        ),
        resolve: ({ items }: { items: object }) => items,
      },
      failing: {
        subscribe: () => {
          throw new Error(mistake)
        },
      },
      breaking: {
        subscribe: async function* () {
          yield { breaking: 1 }
          throw new Error(mistake)
        },
      },
    },
    Item: {
      shop: (_source: unknown, _args: unknown, { shop }: Context) => shop,
      header: (_source: unknown, _args: unknown, { reply }: Context) =>
        String(reply.request.headers['x-made-up']),
    },
  } as never,
}
const loaders = {
  Item: {
    name: async (queries: { obj: { number: number } }[]) => queries.map(({ obj }) => `item ${obj.number}`),
  },
}
const start = (options: Start = {}, auth = shared.auth) =>
  startMercurius(auth, { extension, options: { loaders }, ...options })
const nexts = ({ messages }: RawSocket) =>
  messages.filter(({ type }) => type === 'next').map(({ payload }) => payload)
const publish = (server: Awaited<ReturnType<typeof start>>, number: number) =>
  server.app.graphql.pubsub.publish({ topic: 'ITEM', payload: { items: { number } } })

describe('a subscription on Mercurius', () => {
  it('has pubsub, loaders, filters and an app’s own context, and no header that the client makes up', async () => {
    const server = await start({
      own: { socketContext: (_request, init) => ({ shop: Object.keys(init).join() }) },
    })
    const { accessToken } = await server.signUp()
    const socket = await open(server.url, { accessToken, 'x-made-up': 'x', corner: 1 })
    socket.subscribe('1', 'subscription { items { number name shop header } }')
    socket.subscribe('2', 'subscription { evens { number } }')
    await until(() => {
      publish(server, 1)
      return nexts(socket).length > 0
    })
    expect(nexts(socket)[0]).toEqual({
      data: { items: { number: 1, name: 'item 1', shop: 'x-made-up,corner', header: 'undefined' } },
    })
    await until(() => {
      publish(server, 2)
      return socket.messages.some(({ type, id }) => type === 'next' && id === '2')
    })
    expect(socket.messages.find(({ type, id }) => type === 'next' && id === '2')?.payload).toEqual({
      data: { evens: { number: 2 } },
    })
  })

  it('ends its listening when it is over', async () => {
    const server = await start()
    const { accessToken } = await server.signUp()
    const { emitter } = server.app.graphql.pubsub as unknown as {
      emitter: { _matcher: { match(topic: string): unknown[] } }
    }
    const listening = () => emitter._matcher.match('ITEM').length
    const socket = await open(server.url, { accessToken })
    socket.subscribe('1', 'subscription { items { number } }')
    socket.subscribe('2', 'subscription { evens { number } }')
    await until(() => listening() === 2)
    socket.send({ id: '1', type: 'complete' })
    await until(() => listening() === 1)
    socket.socket.terminate()
    await until(() => listening() === 0)
  })

  it('takes a fresh token over, and ends with the last', async () => {
    const server = await start()
    const ada = await server.signUp()
    const socket = await open(server.url, { accessToken: ada.accessToken })
    const second = await server.login(ada)
    socket.send({ type: 'ping', payload: { accessToken: second.accessToken } })
    await socket.heard(({ type }) => type === 'pong')
    await server.send('mutation { logout }', { token: ada.accessToken })
    socket.subscribe('1', 'subscription { items { number } }')
    await until(() => {
      publish(server, 1)
      return nexts(socket).length > 0
    })
    await server.send('mutation { revokeSessions }', { token: second.accessToken })
    expect(await socket.closed).toEqual({ code: 4401, reason: 'SESSIONS_REVOKED' })
  })

  it('tells nothing of what was thrown, and is validated', async () => {
    const server = await start()
    const before = shared.errors.length
    const socket = await open(server.url)
    socket.subscribe('1', 'subscription { failing }')
    socket.subscribe('2', 'subscription { breaking }')
    socket.subscribe('3', 'subscription { evens { number } items { number } }')
    socket.subscribe('4', 'mutation { revokeSessions }')
    const errorOf = (id: string) => socket.heard(message => message.type === 'error' && message.id === id)
    expect(await socket.heard(({ type, id }) => type === 'next' && id === '1')).toMatchObject({
      payload: { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
    })
    expect(await errorOf('2')).toMatchObject({
      payload: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    })
    expect(await errorOf('3')).toMatchObject({
      payload: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
    })
    expect(await errorOf('4')).toMatchObject({ payload: [{ extensions: { code: 'BAD_REQUEST' } }] })
    expect(JSON.stringify(socket.messages)).not.toContain(mistake)
    expect(shared.errors.slice(before)).toMatchObject([
      { err: { message: mistake } },
      { err: { message: mistake } },
    ])
  })

  it('takes no parsed document in the place of a text', async () => {
    const server = await start()
    const socket = await open(server.url)
    socket.send({ id: '1', type: 'subscribe', payload: { query: parse('subscription { failing }') } })
    expect((await socket.closed).code).toBe(4400)
  })
})

describe('an upgrade to a WebSocket on Mercurius', () => {
  it('is refused to pages of foreign origins', async () => {
    const server = await start()
    expect(await upgradeOf(server.url, { origin: 'https://evil.example.com' })).toMatchObject({
      status: 403,
      body: { errors: [{ extensions: { code: 'ORIGIN_NOT_ALLOWED' } }] },
    })
    expect((await upgradeOf(server.url, { origin: server.url })).status).toBe(101)
  })

  it('is refused beyond the sockets of an address', async () => {
    const server = await start({}, few.auth)
    const first = await open(server.url)
    const refused = await upgradeOf(server.url)
    expect(refused).toMatchObject({
      status: 429,
      body: { errors: [{ extensions: { code: 'TOO_MANY_REQUESTS', retryAfter: 10 } }] },
    })
    expect(refused.headers['retry-after']).toBe('10')
    first.socket.terminate()
    await until(async () => (await upgradeOf(server.url)).status === 101)
  })

  it('never reaches Mercurius’ own connections', async () => {
    const server = await start({ options: { additionalRouteOptions: {} } })
    const socket = await open(server.url)
    expect((await socket.closed).code).toBe(1011)
  })

  it('ends when the app closes', async () => {
    const server = await start()
    const socket = await open(server.url)
    await server.app.close()
    await socket.closed
  })
})
