import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import express from 'express'
import { fastify } from 'fastify'
import { createAuth, insidesOf } from '../../src/auth.ts'
import { annulExpress } from '../../src/servers/express.ts'
import { annulFastify } from '../../src/servers/fastify.ts'
import { createService } from '../../src/services/createService.ts'
import { endService } from '../../src/services/endService.ts'
import { makeServiceSecret } from '../../src/tokens/serviceSecret.ts'
import { createDatabase, onPostgres } from '../support/database.ts'
import { askForFeed, openRawFeed, type RawFeed } from '../support/feed.ts'
import { startPostgres } from '../support/postgres.js'
import { startTestServer, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { makeService, silent } from '../support/verifier.ts'

/* The WebSocket that verifiers follow a node by: who may open one, and what ends it. */

const describePostgres = onPostgres ? describe : describe.skip
// Clients may open one socket, and have taken it: feeds are not counted among these.
const server = useServer({ env: { ANNUL_SOCKETS: '1', ANNUL_LEASE_MS: '300' } })
const list = () => server.auth.parts.revocation.feed.list()

const open: RawFeed[] = []
async function feed(secret: string, url = server.url, path?: string): Promise<RawFeed> {
  const opened = await openRawFeed(url, secret, path)
  open.push(opened)
  return opened
}
afterEach(async () => {
  for (const { socket } of open.splice(0)) socket.terminate()
  await until(() => list().length === 0)
})

describe('the feed', () => {
  it('is refused without a secret, with a wrong one, and with one of another scheme', async () => {
    const secret = await makeService(server.auth.parts)
    const refused = { status: 401, challenge: 'Bearer realm="annul"', code: 'UNAUTHENTICATED' }
    for (const authorization of [
      undefined,
      'Bearer',
      `Bearer ${makeServiceSecret()}`,
      `Bearer ${secret}A`,
      `Basic ${Buffer.from(`:${secret}`).toString('base64')}`,
      secret,
    ])
      expect(await askForFeed(server.url, authorization === undefined ? {} : { authorization })).toEqual(
        refused,
      )
    expect(await askForFeed(server.url, { authorization: `Bearer ${secret}` })).toMatchObject({ status: 101 })
  })

  it('is refused to a service without the right, and a secret with this right alone does nothing else', async () => {
    const introspecting = await makeService(server.auth.parts, ['introspect', 'revoke'])
    expect(await askForFeed(server.url, { authorization: `Bearer ${introspecting}` })).toMatchObject({
      status: 403,
      code: 'FORBIDDEN',
    })
    const leaked = await makeService(server.auth.parts, ['feed'])
    const { accessToken } = await server.signUp()
    for (const path of ['/oauth/introspect', '/oauth/revoke']) {
      const { status } = await fetch(server.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${leaked}` },
        body: new URLSearchParams({ token: accessToken }),
      })
      expect([path, status]).toEqual([path, 403])
    }
    expect((await server.send('{ me { id } }', { token: accessToken })).status).toBe(200)
    expect((await server.send('{ me { id } }', { token: leaked })).reason).toBe('TOKEN_INVALID')
  })

  it("is refused to pages, the node's own among them, and to other subprotocols", async () => {
    const authorization = `Bearer ${await makeService(server.auth.parts)}`
    for (const page of [
      { origin: 'https://evil.example' },
      { origin: server.url },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-origin' },
    ])
      expect(
        await askForFeed(server.url, { authorization, ...page } as Record<string, string>),
      ).toMatchObject({
        status: 403,
        code: 'ORIGIN_NOT_ALLOWED',
      })
    for (const protocol of ['graphql-transport-ws', 'annul-feed-2'])
      expect(
        await askForFeed(server.url, { authorization, 'sec-websocket-protocol': protocol }),
      ).toMatchObject({
        status: 400,
      })
  })

  it('tells a request that is no upgrade what it is', async () => {
    const response = await fetch(`${server.url}/feed`)
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket'])
  })

  it('tells the keys, what is revoked, and how fresh the node is, and is no socket of a client', async () => {
    const secret = await makeService(server.auth.parts)
    // More feeds than clients may have sockets.
    const [first] = await Promise.all([feed(secret), feed(secret), feed(secret)])
    first.send({ type: 'hello' })
    first.send({ type: 'beat', k: 1, applied: 0 })
    await until(() => first.frames.some(({ type }) => type === 'loaded'))
    expect(first.frames[0]).toEqual({
      type: 'keys',
      issuer: server.auth.parts.config.issuer,
      keys: server.auth.parts.keys.jwks().keys,
    })
    const { accessToken, session } = await server.signUp()
    // It has no age yet that anybody would wait for.
    await server.send('mutation { logout }', { token: accessToken })
    await until(() => JSON.stringify(first.frames).includes(session.id))
    const position = first.frames.reduce((n, frame) => Math.max(n, Number(frame.n ?? 0)), 0)
    await until(() => {
      first.send({ type: 'beat', k: 2, applied: position })
      return first.frames.some(
        ({ type, age, lease }) => type === 'beat' && age !== undefined && lease === 300,
      )
    })
    expect(list().map(({ kind }) => kind)).toEqual(['VERIFIER', 'VERIFIER', 'VERIFIER'])
    first.send({ type: 'bye' })
    expect(await first.closed()).toBe('1000 Bye.')
  })

  it('is closed after what is no frame of a verifier, or is too long for one', async () => {
    const secret = await makeService(server.auth.parts)
    for (const frame of [
      'hello',
      '[]',
      { type: 'entries', entries: [] },
      { type: 'beat', k: 1, applied: 0 },
      { type: 'hello', more: 'x'.repeat(5000) },
    ]) {
      const wrong = await feed(secret)
      wrong.send(frame)
      expect(await wrong.closed()).toBe('1008 This is no frame of the feed.')
    }
    const twice = await feed(secret)
    twice.send({ type: 'hello' })
    twice.send({ type: 'hello' })
    expect(await twice.closed()).toBe('1008 This is no frame of the feed.')
    const binary = await feed(secret)
    binary.socket.send(Buffer.from('{"type":"hello"}'), { binary: true })
    expect(await binary.closed()).toBe('1008 This is no frame of the feed.')
  })

  it('is closed when nothing was heard of a verifier for long', async () => {
    const gone = await feed(await makeService(server.auth.parts))
    gone.send({ type: 'hello' })
    expect(await gone.closed()).toBe('1008 Nothing was heard.')
  })

  it('ends when its secret does, and the feed of the other secret of the service goes on', async () => {
    const { parts } = server.auth
    const name = 'ending'
    const former = await createService(parts, { name, rights: ['feed'] })
    const next = await createService(parts, { name })
    const [ended, lasting] = await Promise.all([feed(former.secret), feed(next.secret)])
    const beats = setInterval(() => {
      for (const [k, each] of [ended, lasting].entries())
        if (each.socket.readyState === each.socket.OPEN) each.send({ type: 'beat', k, applied: 0 })
    }, 100)
    for (const each of [ended, lasting]) each.send({ type: 'hello' })
    await endService(parts, { name, secretId: former.secretId })
    expect(await ended.closed()).toBe('1008 The service has ended.')
    expect(lasting.socket.readyState).toBe(lasting.socket.OPEN)
    await endService(parts, { name })
    expect(await lasting.closed()).toBe('1008 The service has ended.')
    clearInterval(beats)
    expect((await askForFeed(server.url, { authorization: `Bearer ${next.secret}` })).status).toBe(401)
  })

  it('is asked to leave when the node stops, which waits for no verifier that has left', async () => {
    const node = await startTestServer({ env: { ANNUL_LEASE_MS: '20000' } })
    const following = await openRawFeed(node.url, await makeService(node.auth.parts))
    let k = 0
    following.send({ type: 'hello' })
    await until(() => {
      following.send({ type: 'beat', k: ++k, applied: 0 })
      return following.frames.some(({ age }) => age !== undefined)
    })
    const startedAt = performance.now()
    const closing = node.close()
    await until(() => following.frames.some(({ type }) => type === 'bye'))
    following.send({ type: 'bye' })
    await closing
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })
})

describePostgres('while the database can not be asked', () => {
  it('the feed is refused with 503 to a secret that is not known yet, and goes on for others', async () => {
    const postgres = await startPostgres()
    await postgres.createDatabase('feeds')
    const node = await startTestServer({ database: { env: { DATABASE_URL: postgres.urlOf('feeds') } } })
    const following = await openRawFeed(node.url, await makeService(node.auth.parts))
    following.send({ type: 'hello' })
    const beats = setInterval(() => following.send({ type: 'beat', k: 1, applied: 0 }), 100)
    await postgres.halt()
    const authorization = `Bearer ${makeServiceSecret()}`
    expect(
      await until(
        () => askForFeed(node.url, { authorization }),
        ({ status }) => status !== 401,
      ),
    ).toMatchObject({
      status: 503,
      code: 'UNAVAILABLE',
    })
    expect(following.socket.readyState).toBe(following.socket.OPEN)
    clearInterval(beats)
    following.socket.terminate()
    await postgres.start()
    await node.close()
    await postgres.stop()
  })
})

describe('in the server of an app', () => {
  it('the feed stands beside the sockets of clients, and a page of the app by the same name stays in Express', async () => {
    const { env } = await createDatabase()
    const auth = await createAuth({
      databaseUrl: env.DATABASE_URL,
      dataDir: env.ANNUL_DATA_DIR,
      secret: randomBytes(32).toString('base64'),
      log: silent,
    })
    const app = express()
    const http = createServer(app)
    const annul = annulExpress(auth, { server: http })
    app.use(annul)
    app.get('/feed', (_request, response) => void response.send('news'))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    await annul.ready
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    expect(await (await fetch(`${url}/feed`)).text()).toBe('news')
    const { parts } = insidesOf(auth)
    const following = await openRawFeed(url, await makeService(parts))
    following.send({ type: 'hello' })
    await until(() => following.frames.some(({ type }) => type === 'keys'))
    following.socket.terminate()
    http.close()
    await auth.close()
  })

  it('the feed stands under the prefix of a plugin in Fastify', async () => {
    const { env } = await createDatabase()
    const auth = await createAuth({
      databaseUrl: env.DATABASE_URL,
      dataDir: env.ANNUL_DATA_DIR,
      secret: randomBytes(32).toString('base64'),
      log: silent,
    })
    const app = fastify()
    await app.register(annulFastify, { auth, prefix: '/auth' })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const secret = await makeService(insidesOf(auth).parts)
    const following = await openRawFeed(url, secret, '/auth/feed')
    following.send({ type: 'hello' })
    await until(() => following.frames.some(({ type }) => type === 'keys'))
    following.socket.terminate()
    await app.close()
    await auth.close()
  })
})
