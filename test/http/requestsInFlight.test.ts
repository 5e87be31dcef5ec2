import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startTestServer, type TestServer } from '../support/server.ts'
import { openSocket } from '../support/socket.ts'
import { until } from '../support/until.ts'

/* ANNUL_MAX_IN_FLIGHT: what is more than that is refused, and does not wait. */

let server: TestServer
let release = () => {}
const sockets: Socket[] = []
afterEach(async () => {
  release()
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.close()
})

/** A server of two places, whose field `slow` waits until it is released. */
async function start(config: Record<string, unknown> = {}) {
  let waiting = 0
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  const slow = async () => {
    waiting++
    await gate
    return 1
  }
  const extension = {
    typeDefs: 'extend type Query { slow: Int quick: Int }',
    resolvers: { Query: { slow, quick: () => 2 } },
  }
  server = await startTestServer({ extension, config: { maxInFlight: 2, ...config } })
  return { isWaiting: (count: number) => until(() => waiting === count) }
}

async function fill() {
  const { isWaiting } = await start()
  const slow = [server.send('{ slow }'), server.send('{ slow }')]
  await isWaiting(2)
  return slow
}

const metric = async (name: string) => {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
}

describe('When all places are taken', () => {
  it('a further request is refused with 503 and Retry-After, and is not carried out', async () => {
    const slow = await fill()
    const { status, headers, data, errors } = await server.send('{ quick }')
    expect({ status, data, retryAfter: headers.get('retry-after') }).toEqual({
      status: 503,
      data: undefined,
      retryAfter: '1',
    })
    expect(errors).toEqual([
      {
        message: 'The service cannot answer right now. Please try again.',
        extensions: { code: 'UNAVAILABLE', retryAfter: 1, recover: 'RETRY' },
      },
    ])
    release()
    expect((await Promise.all(slow)).map(({ data }) => data)).toEqual([{ slow: 1 }, { slow: 1 }])
  })

  it('it is refused before its body has come', async () => {
    await fill()
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    sockets.push(socket)
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 90000\r\n\r\n',
    )
    const [answer] = await once(socket.setEncoding('utf8'), 'data')
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
  })

  it('no refusal waits for a place', async () => {
    await fill()
    const took: number[] = []
    for (let at = 0; at < 20; at++) {
      const begun = performance.now()
      expect((await server.send('{ quick }')).status).toBe(503)
      took.push(performance.now() - begun)
    }
    // The median, because the machine has other things to do.
    expect(took.sort((one, other) => one - other)[10]).toBeLessThan(50)
  })

  it('whether the process lives is still answered, and so are readiness, metrics and WebSockets', async () => {
    await fill()
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await fetch(`${server.url}${path}`)).status).toBe(200)
    const raw = await openSocket(server.url)
    raw.subscribe('1', '{ quick }')
    expect(await raw.heard(({ type }) => type === 'next')).toMatchObject({ payload: { data: { quick: 2 } } })
    raw.socket.terminate()
    expect((await fetch(`${server.url}/.well-known/jwks.json`)).status).toBe(503)
  })

  it('the metrics say so', async () => {
    await fill()
    await server.send('{ quick }')
    await server.send('{ quick }')
    expect(await metric('annul_requests_in_flight')).toBe(2)
    expect(await metric('annul_requests_refused_total')).toBe(2)
  })

  it('a page of an allowed origin may read the refusal', async () => {
    const origin = 'https://app.example'
    const { isWaiting } = await start({ allowedOrigins: [origin] })
    void server.send('{ slow }')
    void server.send('{ slow }')
    await isWaiting(2)
    const { status, headers } = await server.send('{ quick }', { headers: { origin } })
    expect({ status, allowed: headers.get('access-control-allow-origin') }).toEqual({
      status: 503,
      allowed: origin,
    })
  })
})

describe('What arrives at one time', () => {
  it('counts as such, also where each request is answered before the next one is looked at', async () => {
    await start()
    const port = Number(new URL(server.url).port)
    const body = JSON.stringify({ query: '{ quick }' })
    for (let at = 0; at < 40; at++) sockets.push(connect(port, '127.0.0.1').setEncoding('utf8'))
    const accepted = promisify(server.app.server.getConnections.bind(server.app.server))
    await until(async () => (await accepted()) === 40)
    const answers = sockets.map(async socket => String((await once(socket, 'data'))[0]).slice(9, 12))
    for (const socket of sockets)
      socket.write(
        `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      )
    const statuses = await Promise.all(answers)
    // All of them arrive in one turn of the event loop.
    expect(statuses.filter(status => status === '200')).toHaveLength(2)
    expect(statuses.filter(status => status === '503')).toHaveLength(38)
    expect((await server.send('{ quick }')).data).toEqual({ quick: 2 })
  })
})

describe('A place is given back', () => {
  it('when the request was answered', async () => {
    const slow = await fill()
    release()
    await Promise.all(slow)
    await until(async () => (await metric('annul_requests_in_flight')) === 0)
    expect((await server.send('{ quick }')).data).toEqual({ quick: 2 })
  })

  it('when its client has gone', async () => {
    const { isWaiting } = await start()
    const gone = new AbortController()
    const abandoned = [1, 2].map(() =>
      fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ slow }' }),
        signal: gone.signal,
      }).catch(() => undefined),
    )
    await isWaiting(2)
    expect((await server.send('{ quick }')).status).toBe(503)
    gone.abort()
    await Promise.all(abandoned)
    await until(async () => (await server.send('{ quick }')).status === 200)
  })

  it('when the request was refused for its own sake', async () => {
    await start()
    for (let at = 0; at < 5; at++) {
      expect((await server.send('{ nothing }')).status).toBe(400)
      expect((await fetch(`${server.url}/nowhere`)).status).toBe(404)
      expect((await fetch(`${server.url}/graphql`, { method: 'POST', body: '{' })).status).toBeGreaterThan(
        399,
      )
    }
    expect((await server.send('{ quick }')).status).toBe(200)
  })
})

it('Clients that send slowly take no places', async () => {
  await start()
  const stalled = Array.from({ length: 20 }, () => connect(Number(new URL(server.url).port), '127.0.0.1'))
  sockets.push(...stalled)
  await Promise.all(stalled.map(socket => once(socket, 'connect')))
  for (const socket of stalled)
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    )
  // The server has read what came before on these connections when a later request was answered.
  for (let at = 0; at < 5; at++) expect((await server.send('{ quick }')).status).toBe(200)
})
