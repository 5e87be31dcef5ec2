import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { OutageError } from '../../src/database/outage.ts'
import type { SchemaExtension } from '../../src/graphql/schema.ts'
import { startTestServer, useServer } from '../support/server.ts'
import { openRaw, openSocket, upgradeOf } from '../support/socket.ts'
import { until } from '../support/until.ts'

/** Sends nothing until the client goes. */
function silence(): AsyncIterableIterator<never> {
  let stop = (_: IteratorResult<never>) => {}
  const done = { done: true, value: undefined } as const
  return {
    next: () =>
      new Promise(resolve => {
        stop = resolve
      }),
    async return() {
      stop(done)
      return done
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** How often `large` was carried out. */
let large = 0
let failure: unknown = new Error('A secret of the source.')
const extension: SchemaExtension = {
  typeDefs: `
    extend type Query { large(bytes: Int!): String }
    extend type Subscription { quiet: String @auth failing: String @auth wrong: String @auth }`,
  resolvers: {
    Query: {
      large: (_: unknown, { bytes }: { bytes: number }) => {
        large++
        return 'x'.repeat(bytes)
      },
    },
    Subscription: {
      quiet: { subscribe: silence },
      failing: {
        // biome-ignore lint/correctness/useYield: it fails instead
        async *subscribe() {
          throw failure
        },
      },
      wrong: { subscribe: () => 'no events' },
    },
  },
}

const server = useServer({
  extension,
  config: { socketsPerAddress: 3, sockets: 5, allowedOrigins: ['https://app.example.com'] },
})

const from = (localAddress: string) => ({ localAddress })
const refusal = (code: string, message: string, more = {}) => ({
  errors: [{ message, extensions: { code, ...more } }],
})

describe('an upgrade', () => {
  it('is refused with 429 above the bound of an address, and with 503 above the bound of all', async () => {
    const open = async (address: string) => (await openRaw(server.url, from(address))).socket
    const sockets = [await open('127.0.0.2'), await open('127.0.0.2'), await open('127.0.0.2')]
    const tooMany = await upgradeOf(server.url, from('127.0.0.2'))
    expect(tooMany).toMatchObject({
      status: 429,
      headers: { 'retry-after': '10' },
      body: refusal('TOO_MANY_REQUESTS', 'Too many requests. Please try again later.', {
        retryAfter: 10,
        recover: 'RETRY',
      }),
    })
    sockets.push(await open('127.0.0.3'), await open('127.0.0.3'))
    const full = await upgradeOf(server.url, from('127.0.0.4'))
    expect(full).toMatchObject({
      status: 503,
      headers: { 'retry-after': '10' },
      body: { errors: [{ extensions: { code: 'UNAVAILABLE', retryAfter: 10, recover: 'RETRY' } }] },
    })
    // Places are given back, by sockets that close and by those that break.
    sockets[0]?.close()
    sockets[1]?.terminate()
    const statusFrom = async () => (await upgradeOf(server.url, from('127.0.0.2'))).status
    await until(statusFrom, status => status === 101)
    for (const socket of sockets) socket.terminate()
    await until(async () => (await upgradeOf(server.url, from('127.0.0.4'))).status === 101)
  })

  it.each<[string, Record<string, string>, number]>([
    ['of a page that may use the cookie', { origin: 'https://app.example.com' }, 101],
    ['of a page of a foreign origin', { origin: 'https://evil.example.com' }, 403],
    ['of an opaque origin', { origin: 'null' }, 403],
    ['of a browser that names no origin', { 'sec-fetch-site': 'cross-site' }, 403],
    ['of the same site, told by the browser', { 'sec-fetch-site': 'same-origin' }, 101],
    ['of no browser', {}, 101],
  ])('%s is answered by the rule of the cookie', async (_, headers, status) => {
    await until(async () => (await upgradeOf(server.url, from('127.0.0.5'))).status === 101)
    const answer = await upgradeOf(server.url, { ...from('127.0.0.6'), headers })
    expect(answer.status).toBe(status)
    if (status === 403)
      expect(answer.body).toEqual(
        refusal('ORIGIN_NOT_ALLOWED', 'A page of this origin may not open a WebSocket here.'),
      )
  })
})

describe('a socket', () => {
  it('runs 32 operations at a time; one more is refused, and has a place when another ends', async () => {
    const { accessToken } = await server.signUp()
    const socket = await openSocket(server.url, { accessToken }, from('127.0.0.10'))
    for (let id = 0; id < 33; id++) socket.subscribe(String(id), 'subscription { quiet }')
    expect(await socket.heard(({ type }) => type === 'error')).toEqual({
      id: '32',
      type: 'error',
      payload: [
        {
          message: 'Too many requests. Please try again later.',
          extensions: { code: 'TOO_MANY_REQUESTS', retryAfter: 1, recover: 'RETRY' },
        },
      ],
    })
    socket.send({ id: '0', type: 'complete' })
    socket.subscribe('33', '{ large(bytes: 1) }')
    expect(await socket.heard(({ id }) => id === '33')).toMatchObject({ payload: { data: { large: 'x' } } })
    socket.socket.terminate()
  })

  it('closes with 4413 above 1 MiB of unsent bytes', async () => {
    const socket = await openSocket(server.url, {}, from('127.0.0.11'))
    socket.subscribe('1', '{ large(bytes: 1000000) }')
    expect(await socket.heard(({ id }) => id === '1')).toMatchObject({ type: 'next' })
    socket.subscribe('2', '{ large(bytes: 1100000) }')
    expect(await socket.closed).toEqual({ code: 4413, reason: 'Too many bytes are unread.' })
  })

  it('that does not read has no further operations carried out, until it reads', async () => {
    const socket = await openSocket(server.url, {}, from('127.0.0.12'))
    socket.socket.pause()
    large = 0
    for (let id = 0; id < 60; id++) socket.subscribe(String(id), '{ large(bytes: 500000) }')
    await until(() => large > 0)
    await delay(1000)
    // What the operating system took.
    expect(large).toBeLessThan(40)
    socket.socket.resume()
    await socket.heard(({ id, type }) => id === '59' && type === 'complete')
    expect(large).toBe(60)
    socket.socket.terminate()
  })

  it('without a token ends after 10 s, unless the schema has a subscription for everybody', async () => {
    const open = await startTestServer({
      extension: {
        typeDefs: 'extend type Subscription { news: String }',
        resolvers: { Subscription: { news: { subscribe: silence } } },
      },
    })
    const stays = await openSocket(open.url)
    const socket = await openSocket(server.url, {}, from('127.0.0.13'))
    const { accessToken } = await server.signUp()
    const known = await openSocket(server.url, { accessToken }, from('127.0.0.13'))
    socket.subscribe('1', '{ large(bytes: 1) }')
    expect(await socket.closed).toEqual({ code: 4401, reason: 'TOKEN_MISSING' })
    await delay(500)
    expect([stays, known].map(({ socket: { readyState, OPEN } }) => readyState === OPEN)).toEqual([
      true,
      true,
    ])
    for (const { socket: left } of [stays, known]) left.terminate()
    await open.close()
  })

  it('closes with 4429 when it sends more messages at a time than can wait', async () => {
    const socket = await openSocket(server.url, {}, from('127.0.0.14'))
    for (let count = 0; count < 3000; count++) socket.send({ type: 'ping' })
    expect(await socket.closed).toEqual({ code: 4429, reason: 'Too many messages at a time.' })
  })
})

describe('what an app does wrong', () => {
  it.each(['failing', 'wrong'])(
    'ends the operation %s, and not the socket, and tells nothing of it',
    async name => {
      const { accessToken } = await server.signUp()
      const socket = await openSocket(server.url, { accessToken }, from('127.0.0.15'))
      socket.subscribe('1', `subscription { ${name} }`)
      const { payload } = await socket.heard(({ type }) => type === 'error' || type === 'next')
      expect(JSON.stringify(payload)).toContain('"code":"INTERNAL_SERVER_ERROR"')
      expect(JSON.stringify(payload)).not.toMatch(/secret|Async/)
      socket.subscribe('2', '{ large(bytes: 1) }')
      await socket.heard(({ id, type }) => id === '2' && type === 'complete')
      socket.socket.terminate()
    },
  )

  it('passes an outage on as one', async () => {
    failure = new OutageError(new Error('The database is away.'))
    const { accessToken } = await server.signUp()
    const socket = await openSocket(server.url, { accessToken }, from('127.0.0.15'))
    socket.subscribe('1', 'subscription { failing }')
    expect(await socket.heard(({ type }) => type === 'error')).toMatchObject({
      payload: [{ extensions: { code: 'UNAVAILABLE', retryAfter: 1, recover: 'RETRY' } }],
    })
    socket.socket.terminate()
  })

  it('answers an operation that can not be read, and goes on', async () => {
    const socket = await openSocket(server.url, {}, from('127.0.0.16'))
    socket.subscribe('1', '{ large(bytes: ')
    expect(await socket.heard(({ id }) => id === '1')).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }],
    })
    socket.subscribe('2', `{${'a{'.repeat(20_000)}`)
    expect(await socket.heard(({ id }) => id === '2')).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }],
    })
    socket.socket.terminate()
  })
})

describe('a token', () => {
  it('is understood with a leading "Bearer ", in connection_init and in a ping', async () => {
    const { accessToken, refreshToken } = await server.signUp()
    const socket = await openSocket(server.url, { accessToken: `Bearer ${accessToken}` }, from('127.0.0.17'))
    const fresh = await server.refresh(refreshToken)
    socket.send({ type: 'ping', payload: { accessToken: `bearer ${fresh.data?.refresh.accessToken}` } })
    await socket.heard(({ type }) => type === 'pong')
    socket.subscribe('1', '{ me { id } }')
    expect(await socket.heard(({ id }) => id === '1')).toMatchObject({ type: 'next', payload: { data: {} } })
    socket.socket.terminate()
  })

  it('that dies is told to each running operation, before the socket closes', async () => {
    const { accessToken } = await server.signUp()
    const socket = await openSocket(server.url, { accessToken }, from('127.0.0.18'))
    for (const id of ['1', '2']) socket.subscribe(id, 'subscription { quiet }')
    socket.subscribe('3', '{ me { id } }')
    await socket.heard(({ id, type }) => id === '3' && type === 'complete')
    await server.send('mutation { logout }', { token: accessToken })
    expect(await socket.closed).toEqual({ code: 4401, reason: 'LOGGED_OUT' })
    const payload = [
      {
        message: 'This session was logged out.',
        extensions: { code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT', recover: 'LOGIN' },
      },
    ]
    expect(socket.messages.slice(-2)).toEqual([
      { id: '1', type: 'error', payload },
      { id: '2', type: 'error', payload },
    ])
  })
})
