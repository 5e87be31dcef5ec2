import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ask, createNetwork, openSession, outdate, pause, until, useClientServer } from './support.ts'

const server = useClientServer()
let neighbour: Server
let neighbourUrl: string
const seen: IncomingMessage[] = []

beforeAll(async () => {
  neighbour = createServer((request, response) => {
    seen.push(request)
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: one\n\n')
    setTimeout(() => response.end('data: two\n\n'), 100)
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => neighbour.once('listening', resolve))
  neighbourUrl = `http://127.0.0.1:${(neighbour.address() as AddressInfo).port}`
})
afterAll(() => {
  neighbour.closeAllConnections()
  neighbour.close()
})

async function signIn() {
  const account = await server.signUp()
  const network = createNetwork()
  const session = openSession({ endpoint: server.endpoint, storage: new Map(), fetch: network.fetch })
  await session.login(account)
  return { account, network, session }
}

const json = { 'content-type': 'application/json' }
const post = (query: string) => ({ method: 'POST', headers: json, body: JSON.stringify({ query }) })

describe('session.fetch', () => {
  test('sends the token to no other origin than the endpoint’s', async () => {
    const { session, network } = await signIn()
    const { port } = new URL(server.url)
    for (const url of [
      neighbourUrl,
      `${neighbourUrl}/graphql?${server.endpoint}`,
      `http://127.0.0.1:${port}@${new URL(neighbourUrl).host}/graphql`,
      new URL(`${neighbourUrl}/graphql`),
      new Request(`${neighbourUrl}/graphql`, post('{ secret }')),
    ]) {
      await session
        .fetch(url instanceof Request ? url : url)
        .then(response => response.text())
        .catch(() => {})
      expect(network.sent.at(-1)?.headers.has('authorization')).toBe(false)
    }
    await session.fetch(`${server.url}/health`)
    expect(network.sent.at(-1)?.headers.get('authorization')).toMatch(/^Bearer /)
  })

  test('leaves alone what comes with an Authorization header of its own', async () => {
    const { session, network } = await signIn()
    const headers = { ...json, authorization: 'Basic abc' }
    const response = await session.fetch(server.endpoint, { ...post('{ secret }'), headers })
    expect(response.status).toBe(401)
    expect(network.sent.at(-1)?.headers.get('authorization')).toBe('Basic abc')
    expect(network.sentWith('refresh(')).toHaveLength(0)
    expect(session.state.status).toBe('signedIn')
  })

  test.each<[string, (endpoint: string) => Parameters<typeof fetch>]>([
    ['a text and options', endpoint => [endpoint, post('{ secret }')]],
    ['a URL and options', endpoint => [new URL(endpoint), post('{ secret }')]],
    ['a Request', endpoint => [new Request(endpoint, post('{ secret }'))]],
    ['a Request and options', endpoint => [new Request(endpoint), post('{ secret }')]],
    ['a GET', endpoint => [`${endpoint}?query={secret}`, { headers: { 'apollo-require-preflight': 'yes' } }]],
    ['Headers', endpoint => [endpoint, { ...post('{ secret }'), headers: new Headers(json) }]],
  ])('sends %s once more after a refresh', async (_name, make) => {
    const { session, account, network } = await signIn()
    await outdate(server, session, account)
    const response = await session.fetch(...make(server.endpoint))
    await expect(response.json()).resolves.toEqual({ data: { secret: 'secret' } })
    expect(network.sentWith('refresh(')).toHaveLength(1)
    expect(
      network.sentWith('secret').length + network.sentWith('').filter(({ query }) => query === '').length,
    ).toBe(2)
  })

  test('reads errors also beside data, in an answer with status 200', async () => {
    const { session, account } = await signIn()
    await outdate(server, session, account)
    await expect(ask(session, server.endpoint, '{ open secret }')).resolves.toEqual({
      status: 200,
      data: { open: 'open', secret: 'secret' },
    })
  })

  test.each([
    ['mutation { bump }', 1, 'was refused as a whole'],
    ['mutation { a: bump b: bump }', 2, 'was refused as a whole'],
    ['mutation M { strictBump }', 1, 'was refused as a whole'],
    ['mutation { openBump strictBump }', 1, 'was refused in its second field, and leaves no data'],
    ['mutation { openBump bump }', 1, 'was refused in its second field'],
  ])('carries out %s as often as it is written, when it %s', async (query, times) => {
    const { session, account } = await signIn()
    await outdate(server, session, account)
    const before = server.bumps()
    await ask(session, server.endpoint, query)
    expect(server.bumps() - before).toBe(times)
  })

  test('tries a query again when its answer was lost, and a mutation not', async () => {
    const { session, network } = await signIn()
    network.fail('secret', 'unanswered', 'busy')
    await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
    const before = server.bumps()
    network.fail('bump', 'unanswered')
    await expect(ask(session, server.endpoint, 'mutation { bump }')).rejects.toThrow('fetch failed')
    expect(server.bumps() - before).toBe(1)
    network.fail('bump', 'busy')
    await expect(session.fetch(server.endpoint, post('mutation { bump }'))).resolves.toMatchObject({
      status: 503,
    })
  })

  test('passes streams in both directions without waiting for their end', async () => {
    const { account } = await signIn()
    const session = openSession({
      endpoint: `${neighbourUrl}/graphql`,
      storage: new Map(),
      fetch: networkTo(neighbourUrl),
    })
    await session.login(account)
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"query":"{ secret }"}'))
        controller.close()
      },
    })
    const init = { method: 'POST', headers: json, body, duplex: 'half' } as RequestInit
    const response = await session.fetch(`${neighbourUrl}/graphql`, init)
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect(new TextDecoder().decode(first?.value)).toBe('data: one\n\n')
    await reader?.cancel()
    expect(seen.at(-1)?.headers.authorization).toMatch(/^Bearer /)
  })

  test('a request that is given up while it waits for a refresh rejects with the signal’s reason', async () => {
    const { session, account, network } = await signIn()
    await outdate(server, session, account)
    network.fail('refresh(', pause(300))
    const giveUp = new AbortController()
    const asked = ask(session, server.endpoint, '{ secret }', { signal: giveUp.signal })
    setTimeout(() => giveUp.abort(new Error('The page was left.')), 100)
    await expect(asked).rejects.toThrow('The page was left.')
    await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
  })

  test('never sends one user’s request again as another', async () => {
    const { session, account, network } = await signIn()
    await outdate(server, session, account)
    let answer = () => {}
    network.fail(
      'secret',
      new Promise<void>(resolve => {
        answer = resolve
      }),
    )
    const asked = ask(session, server.endpoint, '{ secret }')
    await until(() => network.held() === 1)
    await session.logout()
    await session.login(await server.signUp())
    answer()
    await expect(asked).resolves.toMatchObject({ status: 401, data: { secret: null } })
    expect(network.sentWith('secret')).toHaveLength(1)
    expect(session.state.status).toBe('signedIn')
  })

  test('gives the answer of a signed-out request as it is', async () => {
    const network = createNetwork()
    const session = openSession({ endpoint: server.endpoint, storage: new Map(), fetch: network.fetch })
    await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      status: 401,
      errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' } }],
    })
    expect(network.sent).toHaveLength(1)
  })
})

/** Signs in at the auth server, and sends everything else where it was addressed. */
function networkTo(url: string): typeof globalThis.fetch {
  return async (input, init) => {
    const isLogin = typeof init?.body === 'string' && init.body.includes('login')
    return fetch(isLogin ? server.endpoint : input, init ?? {}).then(response => {
      expect(String(input).startsWith(url)).toBe(true)
      return response
    })
  }
}
