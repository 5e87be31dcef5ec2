import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import WebSocket from 'ws'
import { readConfig } from '../../src/config.ts'
import type { Limits } from '../../src/http/limits.ts'
import { type InnerOptions, type OpenedServer, openServer } from '../../src/http/server.ts'
import { newSecret } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'

/* Each limit is a fraction of the real one, so that a test takes as long as an attack of a second. */
const short: Limits = { headersMs: 600, requestMs: 900, checkMs: 50, connections: 100 }

let server: OpenedServer
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.close()
})

async function start(bounds: Partial<Limits> = {}, options: InnerOptions = {}): Promise<void> {
  await startWith({ limits: { ...short, ...bounds }, ...options })
}

async function startWith(options: InnerOptions): Promise<void> {
  const { env } = await createDatabase()
  const config = readConfig({ PORT: '0', ANNUL_SECRET: newSecret(), ...env })
  server = await openServer(config, { logStream: { write() {} }, ...options })
}

/** A connection of an attacker: what was received, and when the server ended it, in milliseconds since it began. */
async function open(): Promise<{ socket: Socket; ended: Promise<{ received: string; afterMs: number }> }> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  sockets.push(socket)
  const begun = performance.now()
  let received = ''
  socket.setEncoding('utf8').on('data', text => {
    received += text
  })
  socket.on('error', () => {})
  const ended = new Promise<{ received: string; afterMs: number }>(resolve =>
    socket.once('close', () => resolve({ received, afterMs: performance.now() - begun })),
  )
  await new Promise(resolve => socket.once('connect', resolve))
  return { socket, ended }
}

const head = (length: number, more = '') =>
  `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`
const operation = JSON.stringify({ query: '{ __typename }' })

const tooSlow = expect.stringMatching(
  /^HTTP\/1\.1 408 Request Timeout\r\nconnection: close\r\n[\s\S]+\r\n\r\n\{"errors":\[\{"message":"The request took too long to arrive\.","extensions":\{"code":"REQUEST_TIMEOUT"\}\}\]\}$/,
)

/** Far more than the limit, far less than the 30 s after which Node looks by default. */
const patienceMs = 10_000

describe('A connection is answered 408 and closed', () => {
  it('when its headers stall', async () => {
    await start({ requestMs: 20_000 })
    const { socket, ended } = await open()
    socket.write('POST /graphql HTTP/1.1\r\nhost: a\r\n')
    const { received, afterMs } = await ended
    expect(received).toEqual(tooSlow)
    expect(afterMs).toBeLessThan(patienceMs)
  })

  it('when one header after the other arrives, without an end', async () => {
    await start({ requestMs: 20_000 })
    const { socket, ended } = await open()
    socket.write('POST /graphql HTTP/1.1\r\nhost: a\r\n')
    const timer = setInterval(() => socket.write('x: y\r\n'), 20)
    const { received, afterMs } = await ended
    clearInterval(timer)
    expect(received).toEqual(tooSlow)
    expect(afterMs).toBeLessThan(patienceMs)
  })

  it('when its body never comes, and the log has one line of it', async () => {
    const lines: string[] = []
    await start({}, { logStream: { write: line => lines.push(line) } })
    const { socket, ended } = await open()
    socket.write(head(100))
    const { received, afterMs } = await ended
    expect(received).toEqual(tooSlow)
    expect(afterMs).toBeLessThan(patienceMs)
    const told = lines.map(line => JSON.parse(line)).filter(({ msg }) => !msg.includes('listening'))
    expect(told).toMatchObject([{ level: 30, msg: 'request', status: 408, code: 'REQUEST_TIMEOUT' }])
  })

  it('when its body comes one byte at a time, and is not carried out', async () => {
    let calls = 0
    const extension = {
      typeDefs: 'extend type Mutation { count: Int }',
      resolvers: { Mutation: { count: () => ++calls } },
    }
    await start({}, { extension })
    const { socket, ended } = await open()
    const body = JSON.stringify({ query: `mutation { count } #${'x'.repeat(1000)}` })
    socket.write(head(body.length))
    let at = 0
    const timer = setInterval(() => socket.write(body[at++] ?? ''), 20)
    const { received, afterMs } = await ended
    clearInterval(timer)
    expect(received).toEqual(tooSlow)
    expect(afterMs).toBeLessThan(patienceMs)
    expect(calls).toBe(0)
  })

  it('when the second request on it stalls', async () => {
    await start()
    const { socket, ended } = await open()
    socket.write(head(operation.length) + operation)
    await once(socket, 'data')
    socket.write(head(operation.length))
    const { received } = await ended
    expect(received).toContain('{"data":{"__typename":"Query"}}\n')
    expect(received.split('{"data":{"__typename":"Query"}}\n')[1]).toEqual(tooSlow)
  })

  it('all of fifty at once, while others are served', async () => {
    await start()
    const stalled = await Promise.all(Array.from({ length: 50 }, open))
    for (const { socket } of stalled) socket.write(head(100))
    const { status } = await fetch(`${server.url}/healthz`)
    expect(status).toBe(200)
    const ends = await Promise.all(stalled.map(({ ended }) => ended))
    expect(ends.map(({ received }) => received)).toEqual(ends.map(() => tooSlow))
  })
})

describe('No limit cuts', () => {
  it('a request that is worked on for longer', async () => {
    const slow = () => new Promise(resolve => setTimeout(resolve, 2500, 1))
    const extension = { typeDefs: 'extend type Query { slow: Int }', resolvers: { Query: { slow } } }
    await start({}, { extension })
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ slow }' }),
    })
    expect(await response.json()).toEqual({ data: { slow: 1 } })
  })

  it('a WebSocket', async () => {
    await start()
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init' }))
    const [acknowledged] = await once(socket, 'message')
    expect(JSON.parse(String(acknowledged))).toEqual({ type: 'connection_ack' })
    await new Promise(resolve => setTimeout(resolve, 2500))
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ __typename }' } }))
    const [next] = await once(socket, 'message')
    expect(JSON.parse(String(next))).toEqual({
      id: '1',
      type: 'next',
      payload: { data: { __typename: 'Query' } },
    })
    socket.close()
  })
})

describe('Connections are bounded', () => {
  it('so that one more is closed unread, and there is room again when one has gone', async () => {
    const lines: string[] = []
    await start({ connections: 3 }, { logStream: { write: line => lines.push(line) } })
    const [first] = await Promise.all([open(), open(), open()])
    const fourth = await open()
    fourth.socket.write(head(operation.length) + operation)
    expect((await fourth.ended).received).toBe('')
    const told = lines.map(line => JSON.parse(line)).filter(({ msg }) => msg.includes('connections'))
    expect(told).toMatchObject([{ level: 40, connections: 3 }])

    first?.socket.destroy()
    await first?.ended
    await new Promise(resolve => setTimeout(resolve, 100))
    const { socket } = await open()
    socket.write(head(operation.length) + operation)
    const [answer] = await once(socket, 'data')
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/)
  })
})

describe('A server that is started without further ado', () => {
  it('has 10 s for headers, 15 s for a request, looked at each second, and 16,000 connections', async () => {
    await startWith({})
    const { headersTimeout, requestTimeout, maxConnections } = server.app.server
    expect({ headersTimeout, requestTimeout, maxConnections }).toEqual({
      headersTimeout: 10_000,
      requestTimeout: 15_000,
      maxConnections: 16_000,
    })
    const symbol = Object.getOwnPropertySymbols(server.app.server).find(({ description }) =>
      description?.includes('connectionsCheckingInterval'),
    )
    const timer: unknown = Reflect.get(server.app.server, symbol ?? '')
    expect(timer).toMatchObject({ _idleTimeout: 1000 })
  })
})

describe('What is no HTTP', () => {
  it.each([
    ['nonsense', 'nonsense\r\n\r\n', '400 Bad Request', 'The request is not valid HTTP.'],
    [
      'headers of 20 kB',
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
      'The headers are too large.',
    ],
  ])('gets an answer like every other refusal: %s', async (_, text, status, message) => {
    await start()
    const { socket, ended } = await open()
    socket.write(text)
    const { received } = await ended
    const [head = '', body = ''] = received.split('\r\n\r\n')
    expect(head).toContain(`HTTP/1.1 ${status}\r\n`)
    expect(JSON.parse(body)).toEqual({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] })
  })
})
