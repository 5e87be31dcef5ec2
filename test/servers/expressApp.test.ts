import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import express from 'express'
import WebSocket, { WebSocketServer } from 'ws'
import { annulExpress } from '../../src/servers/express.ts'
import { createClient } from '../support/client.ts'
import { openSocket, upgradeOf } from '../support/socket.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { listenWith } from './contract/listenWith.ts'
import { openAppAuth, posting, send, useClosing } from './support.ts'

/* An app of Express that was there before Annul. */

const annul = useFixture(() => openAppAuth())
const closeLater = useClosing()

async function listen(handler: Parameters<typeof listenWith>[0]): Promise<string> {
  const { url, close } = await listenWith(handler)
  closeLater(close)
  return url
}

const failing: express.ErrorRequestHandler = (error, _request, response, _next) => {
  response.status(500).send({ own: String(error.message) })
}
const me = posting({ query: '{ me { id } }' })

describe('annulExpress', () => {
  it('has everything that Annul’s own server has, and leaves every other path to the app', async () => {
    const app = express()
    app.use(annulExpress(annul.auth))
    app.get('/', (_request, response) => void response.send('the shop'))
    app.post('/fail', express.json(), ({ body }) => {
      throw new Error(JSON.stringify(body))
    })
    app.use(failing)
    const url = await listen(app)
    expect(JSON.parse((await send(`${url}/.well-known/jwks.json`)).text).keys).toHaveLength(1)
    expect((await send(`${url}/healthz`)).text).toBe('{"status":"ok"}')
    expect((await send(`${url}/readyz`)).text).toBe('{"status":"ready"}')
    expect((await send(`${url}/metrics`)).text).toContain('annul_decisions_total')
    expect((await send(`${url}/graphql`, { headers: { accept: 'text/html' } })).text).toContain(
      '<meta name="annul-console"',
    )
    expect((await send(`${url}/graphql`, posting('{'))).text).toContain('The body is not valid JSON.')
    expect(await send(`${url}/graphql`, { method: 'DELETE' })).toMatchObject({ status: 404 })

    expect(await send(`${url}/`)).toMatchObject({ status: 200, text: 'the shop' })
    expect(await send(`${url}/fail`, posting({ a: 1 }))).toMatchObject({ text: '{"own":"{\\"a\\":1}"}' })
    expect(await send(`${url}/graphql/more`)).toMatchObject({ status: 404 })
  })

  it('stands behind the app’s own middleware, and keeps the headers that it sets', async () => {
    const app = express()
    app.use((_request, response, next) => {
      response.setHeader('x-request-id', '7')
      response.append('set-cookie', 'own=1')
      next()
    })
    app.use(annulExpress(annul.auth))
    const { status, headers } = await send(`${await listen(app)}/graphql`, me)
    expect({ status, id: headers.get('x-request-id'), cookies: headers.getSetCookie() }).toEqual({
      status: 401,
      id: '7',
      cookies: ['own=1'],
    })
  })

  it('has the security headers of Annul on each answer, whatever the app has set before', async () => {
    const app = express()
    app.use((_request, response, next) => {
      response.setHeader('content-security-policy', 'default-src *')
      next()
    })
    app.use(annulExpress(annul.auth))
    const url = await listen(app)
    for (let times = 0; times < 3; times++) {
      const { headers } = await send(`${url}/healthz`)
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('x-powered-by')).toBeNull()
    }
  })

  it.each([
    ['express.json()', express.json()],
    ['express.text()', express.text({ type: '*/*' })],
    ['express.raw()', express.raw({ type: '*/*' })],
  ])('reads what %s has left of a body', async (_, parser) => {
    const app = express()
    app.use(parser, annulExpress(annul.auth))
    const url = await listen(app)
    const { accessToken, userId } = await createClient(url).signUp()
    // Spaces and escapes: the text that is read is not the one that was sent.
    const body = '{  "query" : "query Name { me { \\u0069d } }", "operationName":"Name" }'
    const answer = await send(`${url}/graphql`, posting(body, { authorization: `Bearer ${accessToken}` }))
    expect(JSON.parse(answer.text)).toEqual({ data: { me: { id: userId } } })
    const { text } = await send(`${url}/graphql?query={__typename}`, {
      headers: { 'apollo-require-preflight': '1' },
    })
    expect(JSON.parse(text)).toEqual({ data: { __typename: 'Query' } })
  })

  it('says in the log what is wrong where a body was read and thrown away', async () => {
    const app = express()
    app.use((request, _response, next) => {
      request.resume().once('end', () => next())
    }, annulExpress(annul.auth))
    const answer = await send(`${await listen(app)}/graphql`, me)
    expect(answer).toMatchObject({ status: 500, text: expect.stringContaining('INTERNAL_SERVER_ERROR') })
    expect(answer.text).not.toContain('body')
    expect(annul.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        err: expect.objectContaining({
          message: expect.stringContaining('Register Annul before what reads bodies.'),
        }),
      }),
    )
  })

  it('stands under a path, sockets too', async () => {
    const app = express()
    const server = createServer(app)
    app.use('/auth', annulExpress(annul.auth, { server, socketPath: '/auth/graphql' }))
    const url = await listen(server)
    const { accessToken } = await createClient(`${url}/auth`).signUp()
    const socket = await openSocket(`${url}/auth`, { accessToken })
    expect(socket.messages).toEqual([{ type: 'connection_ack' }])
    socket.socket.terminate()
    expect((await send(`${url}/auth/readyz?now`)).status).toBe(200)
    expect((await send(`${url}/readyz`)).status).toBe(404)
  })

  it('shares the server with WebSockets of the app', async () => {
    const app = express()
    const server = createServer(app)
    const own = new WebSocketServer({ noServer: true })
    own.on('connection', socket => socket.send('hello'))
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/chat')
        own.handleUpgrade(request, socket, head, chat => own.emit('connection', chat))
    })
    app.use(annulExpress(annul.auth, { server }))
    const url = await listen(server)
    const chat = new WebSocket(`${url.replace('http', 'ws')}/chat`)
    expect(String((await once(chat, 'message'))[0])).toBe('hello')
    chat.terminate()
    const socket = await openSocket(url)
    expect(socket.messages).toEqual([{ type: 'connection_ack' }])
    socket.socket.terminate()
    expect(await upgradeOf(url, { origin: 'https://evil.example' })).toMatchObject({ status: 403 })
  })

  it('has no sockets without a server, and an upgrade is an ordinary request', async () => {
    const app = express()
    app.use(annulExpress(annul.auth))
    expect(await upgradeOf(await listen(app))).toMatchObject({ status: 400 })
  })

  it('tells `ready`, and the app’s error handler, what keeps it from answering', async () => {
    const { url: free, close } = await listenWith(() => {})
    const own = await openAppAuth({ metrics: { host: '127.0.0.1', port: Number(new URL(free).port) } })
    closeLater(() => own.close())
    const app = express()
    const middleware = annulExpress(own.auth)
    app.use(middleware, failing)
    const url = await listen(app)
    await expect(middleware.ready).rejects.toThrow('EADDRINUSE')
    expect(await send(`${url}/graphql`, me)).toMatchObject({
      status: 500,
      text: expect.stringMatching(/^\{"own":"listen EADDRINUSE/),
    })
    expect(own.lines).toContainEqual(expect.objectContaining({ message: 'annul/express can not be opened.' }))
    await close()
  })

  it('ends with the auth: its sockets close, and so does the listener of /metrics', async () => {
    const { url: free, close } = await listenWith(() => {})
    await close()
    const own = await openAppAuth({ metrics: { host: '127.0.0.1', port: Number(new URL(free).port) } })
    const app = express()
    const server = createServer(app)
    const middleware = annulExpress(own.auth, { server })
    app.use(middleware)
    const url = await listen(server)
    await middleware.ready
    expect((await send(`${free}/metrics`)).text).toContain('annul_decisions_total')
    expect((await send(`${url}/metrics`)).status).toBe(404)
    const socket = await openSocket(url)
    await own.auth.close()
    // Not for want of a token, which would end it too.
    expect(await socket.closed).toEqual({ code: 1005, reason: '' })
    await expect(fetch(free)).rejects.toThrow('fetch failed')
    expect(server.listenerCount('upgrade')).toBe(0)
    await until(() => socket.socket.readyState === WebSocket.CLOSED)
  })

  it('refuses an auth of another kind', () => {
    expect(() => annulExpress({} as never)).toThrow('"auth" must be what createAuth has returned.')
  })
})
