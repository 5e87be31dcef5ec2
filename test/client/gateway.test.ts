import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sessionLink } from '../../src/client/apollo.ts'
import type { Account } from '../support/client.ts'
import { ask, type ClientServer, createNetwork, openSession, outdate, startClientServer } from './support.ts'

/*
 * What stands before the auth server answers in words of its own: 200 with a code, or a 401 that says nothing else. A
 * real gateway in front of a real server: it passes on what the test does not plan.
 */

interface Planned {
  readonly text: string
  readonly status: number
  readonly type: string
  readonly body: string
}

let server: ClientServer
let gateway: Server
let endpoint: string
let planned: Planned[] = []
let passed: string[] = []

beforeAll(async () => {
  server = await startClientServer()
  gateway = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    const at = planned.findIndex(({ text }) => body.includes(text))
    const [plan] = at < 0 ? [] : planned.splice(at, 1)
    if (plan) {
      response.writeHead(plan.status, { 'content-type': plan.type })
      return response.end(plan.body)
    }
    passed.push(body)
    const { 'content-type': type = '', authorization } = request.headers
    const headers = { 'content-type': type, ...(authorization && { authorization }) }
    const answer = await fetch(server.endpoint, { method: 'POST', headers, body })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    return response.end(await answer.text())
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => gateway.once('listening', resolve))
  endpoint = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/graphql`
})
afterAll(async () => {
  gateway.closeAllConnections()
  gateway.close()
  await server.close()
})

async function signIn(options: { retryMs?: number } = {}) {
  planned = []
  const account: Account = await server.signUp()
  const network = createNetwork()
  const session = openSession({ endpoint, storage: new Map(), fetch: network.fetch, ...options })
  await session.login(account)
  passed = []
  return { account, network, session }
}

/** The gateway's own answer to the next request whose body contains the text. */
function plan(text: string, status: number, body: unknown, type = 'application/json') {
  planned.push({ text, status, type, body: typeof body === 'string' ? body : JSON.stringify(body) })
}
const failure = (code: string, more = {}) => ({ message: 'Later.', extensions: { code, ...more } })

describe('a gateway that answers 200', () => {
  test.each([
    ['UNAVAILABLE', null],
    ['TOO_MANY_REQUESTS', { secret: null }],
  ])('with %s has a query tried again', async (code, data) => {
    const { session, network } = await signIn()
    plan('secret', 200, { data, errors: [failure(code, { retryAfter: 0.1 })] })
    plan('secret', 200, { data, errors: [failure(code)] })
    await expect(ask(session, endpoint, '{ secret }')).resolves.toMatchObject({ data: { secret: 'secret' } })
    expect(network.sentWith('secret')).toHaveLength(3)
  })

  test('waits as long as `retryAfter` says, and not at all where that is beyond its patience', async () => {
    const { session, network } = await signIn({ retryMs: 3000 })
    plan('secret', 200, { data: null, errors: [failure('UNAVAILABLE', { retryAfter: 1 })] })
    const startedAt = performance.now()
    await ask(session, endpoint, '{ secret }')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1000)

    plan('secret', 200, { data: null, errors: [failure('UNAVAILABLE', { retryAfter: 60 })] })
    await expect(ask(session, endpoint, '{ secret }')).resolves.toMatchObject({
      status: 200,
      errors: [{ extensions: { code: 'UNAVAILABLE', retryAfter: 60 } }],
    })
    expect(network.sentWith('secret')).toHaveLength(3)
  })

  test('keeps a query that has data, and one that has failed for another reason too', async () => {
    const { session, network } = await signIn()
    const partial = { data: { open: 'open', secret: null }, errors: [failure('UNAVAILABLE')] }
    plan('secret', 200, partial)
    await expect(ask(session, endpoint, '{ open secret }')).resolves.toMatchObject(partial)
    const mixed = { data: null, errors: [failure('UNAVAILABLE'), failure('FORBIDDEN')] }
    plan('secret', 200, mixed)
    await expect(ask(session, endpoint, '{ secret }')).resolves.toMatchObject(mixed)
    expect(network.sentWith('secret')).toHaveLength(2)
  })

  test('never has a mutation of the app sent twice', async () => {
    const { session, network } = await signIn()
    plan('bump', 200, { data: null, errors: [failure('UNAVAILABLE')] })
    await expect(ask(session, endpoint, 'mutation { bump }')).resolves.toMatchObject({
      errors: [{ extensions: { code: 'UNAVAILABLE' } }],
    })
    expect(network.sentWith('bump')).toHaveLength(1)
  })

  test.each(['UNAVAILABLE', 'TOO_MANY_REQUESTS'])(
    'with %s has the client’s own mutations tried again',
    async code => {
      const { account, session, network } = await signIn()
      const later = { data: null, errors: [failure(code, { retryAfter: 0.1 })] }
      for (const text of ['refresh(', 'login(', 'changePassword(']) plan(text, 200, later)
      await expect(session.refresh()).resolves.toMatchObject({ status: 'signedIn' })
      await session.login(account)
      const input = { currentPassword: account.password, newPassword: 'another long password' }
      await session.changePassword(input)
      expect(['refresh(', 'login(', 'changePassword('].map(text => network.sentWith(text).length)).toEqual([
        // The second refresh follows the change of the password.
        3, 3, 2,
      ])
    },
  )
})

describe('a 401 without a code', () => {
  const bodies: [string, string | object, string][] = [
    ['a page', '<h1>Unauthorized</h1>', 'text/html'],
    ['nothing', '', 'text/plain'],
    ['JSON of its own', { message: 'JWT expired' }, 'application/json'],
    ['errors without a code', { errors: [{ message: 'Unauthorized' }] }, 'application/json'],
  ]

  test.each(bodies)('with %s is one refresh and one repetition', async (_name, body, type) => {
    const { session, network } = await signIn()
    plan('secret', 401, body, type)
    await expect(ask(session, endpoint, '{ secret }')).resolves.toMatchObject({
      status: 200,
      data: { secret: 'secret' },
    })
    expect([network.sentWith('refresh('), network.sentWith('secret')].map(sent => sent.length)).toEqual([
      1, 2,
    ])
    const [first, second] = network.sentWith('secret').map(({ headers }) => headers.get('authorization'))
    expect(second).not.toBe(first)
  })

  test('that comes again is the answer, and the session stays', async () => {
    const { session, network } = await signIn()
    for (let times = 0; times < 3; times++) plan('secret', 401, '<h1>Unauthorized</h1>', 'text/html')
    const response = await session.fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ secret }' }),
    })
    expect([response.status, await response.text()]).toEqual([401, '<h1>Unauthorized</h1>'])
    expect([network.sentWith('refresh('), network.sentWith('secret')].map(sent => sent.length)).toEqual([
      1, 2,
    ])
    expect(session.state.status).toBe('signedIn')
  })

  test('lets a mutation be sent again, which the gateway has not let through', async () => {
    const { session } = await signIn()
    const before = server.bumps()
    plan('bump', 401, '', 'text/plain')
    await expect(ask(session, endpoint, 'mutation { bump }')).resolves.toMatchObject({
      data: { bump: before + 1 },
    })
    expect(passed.filter(body => body.includes('bump'))).toHaveLength(1)
  })

  test('with data of a mutation does not', async () => {
    const { session, network } = await signIn()
    plan('bump', 401, {
      data: { bump: 1, other: null },
      errors: [{ message: 'Unauthorized', path: ['other'] }],
    })
    await ask(session, endpoint, 'mutation { bump other: bump }')
    expect(network.sentWith('bump')).toHaveLength(1)
  })

  test('of another address, or without a token, is passed on', async () => {
    const { session, network } = await signIn()
    plan('anything', 401, '', 'text/plain')
    const elsewhere = new URL('/elsewhere', endpoint)
    const response = await session.fetch(elsewhere, { method: 'POST', body: 'anything' })
    expect(response.status).toBe(401)
    await session.logout()
    plan('secret', 401, '', 'text/plain')
    const init = { method: 'POST', body: '{"query":"{ secret }"}' }
    expect((await session.fetch(endpoint, init)).status).toBe(401)
    expect(network.sentWith('refresh(')).toHaveLength(0)
  })

  test('is not the server’s word on a refresh token', async () => {
    const { session, network } = await signIn({ retryMs: 0 })
    plan('refresh(', 401, '', 'text/plain')
    await expect(session.refresh()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(session.state.status).toBe('signedIn')
    await expect(session.refresh()).resolves.toMatchObject({ status: 'signedIn' })
    expect(network.sentWith('refresh(')).toHaveLength(2)
  })

  test('is understood behind Apollo’s link too', async () => {
    const { session, network } = await signIn()
    const link = sessionLink(session).concat(new HttpLink({ uri: endpoint, fetch: network.fetch }))
    const client = new ApolloClient({ link, cache: new InMemoryCache() })
    for (const [, body, type] of bodies) {
      plan('secret', 401, body, type)
      await expect(
        client.query({ query: gql`{ secret }`, fetchPolicy: 'network-only' }),
      ).resolves.toMatchObject({ data: { secret: 'secret' } })
    }
    expect(network.sentWith('refresh(')).toHaveLength(bodies.length)
  })

  test('and one with a code is what it says', async () => {
    const { account, session, network } = await signIn()
    await outdate(server, session, account)
    await expect(ask(session, endpoint, '{ secret }')).resolves.toMatchObject({ data: { secret: 'secret' } })
    plan('secret', 401, { errors: [failure('SOMETHING_ELSE')] })
    await expect(ask(session, endpoint, '{ secret }')).resolves.toMatchObject({ status: 401 })
    expect(network.sentWith('refresh(')).toHaveLength(1)
  })
})
