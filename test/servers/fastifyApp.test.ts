import { once } from 'node:events'
import { connect } from 'node:net'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import { mapSchema } from '@graphql-tools/utils'
import { describe, expect, it } from '@jest/globals'
import { type FastifyInstance, fastify } from 'fastify'
import { buildSchema } from 'graphql'
import WebSocket from 'ws'
import { annulFastify } from '../../src/servers/fastify.ts'
import { createClient } from '../support/client.ts'
import { openSocket, upgradeOf } from '../support/socket.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { listenWith } from './contract/listenWith.ts'
import { openAppAuth, posting, send, useClosing } from './support.ts'

/* An app of Fastify that was there before Annul. */

const annul = useFixture(() => openAppAuth({ allowedOrigins: ['https://shop.example'] }))
const closeLater = useClosing()

async function listen(app: FastifyInstance): Promise<string> {
  closeLater(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const addAnnul = (app: FastifyInstance, options: { prefix?: string } = {}) =>
  app.register(annulFastify, { auth: annul.auth, ...options })

/** What an app may bring along, and what its routes answer. */
const brought: Record<string, (app: FastifyInstance) => unknown> = {
  '@fastify/cors': app => app.register(cors, { origin: 'https://app.example', credentials: true }),
  '@fastify/websocket': app => app.register(websocket),
}
const addRoutes = (app: FastifyInstance) => {
  app.setErrorHandler(async (error: Error, _request, reply) => reply.status(500).send({ own: error.message }))
  app.setNotFoundHandler(async (_request, reply) => reply.status(404).send({ own: 'nothing' }))
  app.get('/', async () => 'the shop')
  app.post('/fail', async ({ body }) => {
    throw new Error(JSON.stringify(body))
  })
}
/** Everything at once, in both orders. */
const orders: [string, (app: FastifyInstance) => Promise<void>][] = [
  [
    'before',
    async app => {
      for (const bring of Object.values(brought)) await bring(app)
      addRoutes(app)
      await addAnnul(app)
    },
  ],
  [
    'after',
    async app => {
      await addAnnul(app)
      for (const bring of Object.values(brought)) await bring(app)
      addRoutes(app)
    },
  ],
]

describe.each(orders)('an app whose own plugins and handlers were registered %s Annul', (_, build) => {
  const logged: string[] = []
  async function start(): Promise<string> {
    const app = fastify({ logger: { level: 'warn', stream: { write: line => logged.push(line) } } })
    await build(app)
    app.register(async routes => {
      routes.get('/echo', { websocket: true }, socket => {
        socket.on('message', text => socket.send(`echo ${text}`))
      })
    })
    return listen(app)
  }

  it('keeps its handlers, its parsers and its page, and Annul has its own', async () => {
    const url = await start()
    expect(await send(`${url}/`)).toMatchObject({ status: 200, text: 'the shop' })
    expect(await send(`${url}/nothing`)).toMatchObject({ status: 404, text: '{"own":"nothing"}' })
    const failed = await send(`${url}/fail`, posting({ a: 1 }))
    expect(failed).toMatchObject({ status: 500, text: '{"own":"{\\"a\\":1}"}' })
    expect((await send(`${url}/`)).headers.get('cache-control')).toBeNull()

    const broken = await send(`${url}/graphql`, posting('{'))
    expect(broken).toMatchObject({
      status: 400,
      text: '{"errors":[{"message":"The body is not valid JSON.","extensions":{"code":"BAD_REQUEST"}}]}',
    })
    const large = await send(`${url}/graphql`, posting({ query: 'x'.repeat(100_001) }))
    expect(large).toMatchObject({ status: 413, text: expect.stringContaining('BODY_TOO_LARGE') })
    const page = await send(`${url}/graphql`, { headers: { accept: 'text/html' } })
    expect(page.text).toContain('<meta name="annul-console"')
    expect(page.headers.get('cache-control')).toBe('no-store')
  })

  it('keeps its CORS, and Annul has its own', async () => {
    const url = await start()
    const preflight = (path: string, origin: string) =>
      send(`${url}${path}`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'sec-fetch-site': 'cross-site' },
      })
    const allowed = async (path: string, origin: string) =>
      (await preflight(path, origin)).headers.get('access-control-allow-origin')
    expect(await allowed('/fail', 'https://app.example')).toBe('https://app.example')
    expect(await allowed('/graphql', 'https://shop.example')).toBe('https://shop.example')
    const foreign = await preflight('/graphql', 'https://app.example')
    expect(foreign.headers.get('access-control-allow-credentials')).toBeNull()

    const post = (origin: string) =>
      send(`${url}/graphql`, posting({ query: '{ __typename }' }, { origin, 'sec-fetch-site': 'cross-site' }))
    const { headers, status } = await post('https://shop.example')
    expect([status, headers.get('access-control-allow-credentials')]).toEqual([200, 'true'])
    expect(headers.get('access-control-allow-origin')).toBe('https://shop.example')
    expect(await post('https://app.example')).toMatchObject({
      status: 403,
      text: expect.stringContaining('ORIGIN_NOT_ALLOWED'),
    })
  })

  it('keeps its WebSockets, and Annul has its own, with its bounds', async () => {
    const url = await start()
    const echo = new WebSocket(`${url.replace('http', 'ws')}/echo`)
    await once(echo, 'open')
    echo.send('hello')
    expect(String((await once(echo, 'message'))[0])).toBe('echo hello')
    echo.terminate()

    const { accessToken } = await createClient(url).signUp()
    const socket = await openSocket(url, { accessToken })
    expect(socket.messages).toEqual([{ type: 'connection_ack' }])
    expect(socket.socket.protocol).toBe('graphql-transport-ws')
    socket.socket.send('x'.repeat(100_001))
    expect(await socket.closed).toMatchObject({ code: 1009 })

    const refused = await upgradeOf(url, { origin: 'https://evil.example' })
    expect(refused).toMatchObject({
      status: 403,
      body: { errors: [{ extensions: { code: 'ORIGIN_NOT_ALLOWED' } }] },
    })
    expect(logged).toEqual([])
  })
})

describe('annulFastify', () => {
  it('has everything that Annul’s own server has, beside the app’s index', async () => {
    const app = fastify()
    await addAnnul(app)
    const url = await listen(app)
    const jwks = await send(`${url}/.well-known/jwks.json`)
    expect(jwks.headers.get('content-type')).toContain('application/jwk-set+json')
    expect(JSON.parse(jwks.text).keys).toHaveLength(1)
    expect(await send(`${url}/healthz`)).toMatchObject({ status: 200, text: '{"status":"ok"}' })
    expect(await send(`${url}/readyz`)).toMatchObject({ status: 200, text: '{"status":"ready"}' })
    expect((await send(`${url}/metrics`)).text).toContain('annul_decisions_total')
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200)
    expect((await send(url)).status).toBe(404)
  })

  it('stands under a prefix, sockets too', async () => {
    const app = fastify()
    app.get('/graphql', async () => 'the app’s own GraphQL')
    await addAnnul(app, { prefix: '/auth' })
    const url = await listen(app)
    const { accessToken } = await createClient(`${url}/auth`).signUp()
    const socket = await openSocket(`${url}/auth`, { accessToken })
    expect(socket.messages).toEqual([{ type: 'connection_ack' }])
    socket.socket.terminate()
    expect((await send(`${url}/auth/readyz`)).status).toBe(200)
    expect((await send(`${url}/graphql`)).text).toBe('the app’s own GraphQL')
    expect((await send(`${url}/readyz`)).status).toBe(404)
  })

  it('stands several times in one app, each under its prefix', async () => {
    const app = fastify()
    for (const prefix of ['/one', '/two']) await addAnnul(app, { prefix })
    const url = await listen(app)
    for (const prefix of ['/one', '/two']) {
      const socket = await openSocket(`${url}${prefix}`)
      expect(socket.messages).toEqual([{ type: 'connection_ack' }])
      socket.socket.terminate()
    }
    expect(await upgradeOf(`${url}/three`)).toMatchObject({ status: 404 })
  })

  it('runs behind the app’s hooks, and keeps the headers that they set', async () => {
    const app = fastify()
    const seen: string[] = []
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-request-id', '7')
      if (request.headers['x-blocked']) return reply.status(418).send('blocked by the app')
    })
    app.addHook('onResponse', async ({ routeOptions }, { statusCode }) => {
      seen.push(`${routeOptions.url} ${statusCode}`)
    })
    await addAnnul(app)
    const url = await listen(app)
    const { status, headers } = await send(`${url}/graphql`, posting({ query: '{ me { id } }' }))
    expect([status, headers.get('x-request-id')]).toEqual([401, '7'])
    const blocked = posting({ query: '{ me { id } }' }, { 'x-blocked': '1' })
    expect(await send(`${url}/graphql`, blocked)).toMatchObject({ status: 418, text: 'blocked by the app' })
    await until(() => seen.length === 2)
    expect(seen).toEqual(['/graphql 401', '/graphql 418'])
  })

  it('answers inject(), as tests of apps use it', async () => {
    const app = fastify()
    await addAnnul(app)
    closeLater(() => app.close())
    const answer = await app.inject({ method: 'POST', url: '/graphql', payload: { query: '{ me { id } }' } })
    expect(answer.statusCode).toBe(401)
    expect(answer.json().errors[0].extensions.reason).toBe('TOKEN_MISSING')
  })

  it('leaves requests that ask for another protocol as they were', async () => {
    const app = fastify()
    app.post('/hello', async ({ body }) => ({ hello: body }))
    await addAnnul(app)
    const { port } = new URL(await listen(app))
    const client = connect(Number(port), '127.0.0.1')
    let text = ''
    client.on('data', chunk => {
      text += chunk
    })
    // As Java's client of HTTP sends its first request.
    const head = [
      'POST /hello HTTP/1.1',
      'Host: 127.0.0.1',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
    ]
    client.write(`${head.join('\r\n')}\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a`)
    client.write('":1}')
    await until(() => text.includes('}}'))
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(text).toContain('{"hello":{"a":1}}')
    client.destroy()
  })

  it('closes its sockets with the app, and with the auth alone', async () => {
    const own = await openAppAuth()
    for (const end of ['app', 'auth'] as const) {
      const app = fastify()
      await app.register(annulFastify, { auth: own.auth })
      const url = await listen(app)
      const socket = await openSocket(url)
      await (end === 'app' ? app : own.auth).close()
      // Not for want of a token, which would end it too.
      expect(await socket.closed).toEqual({ code: 1005, reason: '' })
    }
  })

  it('opens the listener of /metrics, closes it with the app, and refuses where it is taken', async () => {
    const { url: free, close } = await listenWith(() => {})
    await close()
    const own = await openAppAuth({ metrics: { host: '127.0.0.1', port: Number(new URL(free).port) } })
    closeLater(() => own.close())
    const { metrics } = own.opened.parts.config
    const metricsUrl = typeof metrics === 'object' ? `http://${metrics.host}:${metrics.port}/metrics` : ''
    const app = fastify()
    await app.register(annulFastify, { auth: own.auth })
    const url = await listen(app)
    expect((await send(metricsUrl)).text).toContain('annul_decisions_total')
    expect((await send(`${url}/metrics`)).status).toBe(404)
    const second = fastify()
    await expect(second.register(annulFastify, { auth: own.auth })).rejects.toThrow('EADDRINUSE')
    await app.close()
    await expect(fetch(metricsUrl)).rejects.toThrow('fetch failed')
  })

  it('writes a line of each request to the log of createAuth, without its URL', async () => {
    const app = fastify()
    await addAnnul(app)
    const url = await listen(app)
    const query = 'query Mine { me { id } }'
    await send(`${url}/graphql?secret=in-the-url`, posting({ query }))
    const line = await until(() => annul.lines.find(({ operation }) => operation === 'Mine'))
    expect(line).toMatchObject({ level: 'info', message: 'request', code: 'UNAUTHENTICATED', status: 401 })
    expect(JSON.stringify(annul.lines)).not.toContain('in-the-url')
  })

  it('refuses what it can not serve, by name', async () => {
    const app = fastify({ http2: true })
    await expect(app.register(annulFastify as never, { auth: annul.auth })).rejects.toThrow(
      'annulFastify serves HTTP/1.1, and this app is one of HTTP/2.',
    )
    const other = fastify()
    await expect(other.register(annulFastify, { auth: {} as never })).rejects.toThrow(
      '"auth" must be what createAuth has returned.',
    )
    const schema = buildSchema('directive @auth on FIELD_DEFINITION type Query { secret: Int @auth }')
    await expect(fastify().register(annulFastify, { auth: annul.auth, schema })).rejects.toThrow(
      'The schema is not guarded: give what auth.schema or auth.guard returns.',
    )
    // Its own mark stays where an app's tool has worked on the schema.
    const mapped = fastify()
    await mapped.register(annulFastify, { auth: annul.auth, schema: mapSchema(annul.auth.schema(), {}) })
    closeLater(() => mapped.close())
  })
})
