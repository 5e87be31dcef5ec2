import { request as httpRequest } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { forwardHeaders } from '../../src/gateway/index.ts'
import { useServer } from '../support/server.ts'
import { useFixture } from '../support/useFixture.ts'
import { openStitched, type Stitched, useOrders } from './support.ts'

/* Who a client is, and from where, is told by its token and its connection. What it invents changes nothing. */

// The gateway is 127.0.0.1, and a proxy that the auth node trusts. Clients have other addresses of this machine.
const server = useServer({ env: { ANNUL_TRUSTED_PROXIES: '127.0.0.1', ANNUL_LIMITS: 'on' } })
const orders = useOrders()

interface Raw {
  readonly status: number
  readonly body: { data?: Record<string, unknown> | null; errors?: { extensions: { code: string } }[] }
  readonly headers: NodeJS.Dict<string | string[]>
}

/** Sends an operation from an address of this machine, with each header as it is. */
function sendFrom(
  from: string,
  { url }: Stitched,
  operation: object,
  headers: Record<string, string | string[]> = {},
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      `${url}/graphql`,
      { method: 'POST', localAddress: from, headers: { 'content-type': 'application/json', ...headers } },
      response => {
        let text = ''
        response.on('data', chunk => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text), headers: response.headers }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(JSON.stringify(operation))
  })
}

const invented = {
  'x-user-id': 'somebody-else',
  'x-roles': 'admin',
  'x-annul-viewer': '{"userId":"somebody-else","roles":["admin"]}',
  forwarded: 'for=203.0.113.9',
  'x-real-ip': '203.0.113.9',
  'x-client-ip': '203.0.113.9',
  'x-forwarded-for': ['203.0.113.9', '198.51.100.7, 203.0.113.10'],
  'x-forwarded-host': 'evil.example',
  'annul-subrequest': '1',
  cookie: 'theme=dark; __Host-annul-refresh=forged; __Host-annul-session=x.1; tracking=1',
}

describe.each(['apollo', 'yoga'] as const)('through a gateway on %s', kind => {
  const gateway = useFixture(() => openStitched({ kind, annul: `${server.url}/graphql`, orders }))

  it('invented headers make nobody somebody', async () => {
    const stranger = await sendFrom('127.0.0.2', gateway, { query: '{ me { id } }' }, invented)
    expect([stranger.status, stranger.body.errors?.[0]?.extensions]).toMatchObject([
      401,
      { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' },
    ])
    const { accessToken, userId } = await gateway.signUp()
    const own = await sendFrom(
      '127.0.0.2',
      gateway,
      { query: '{ me { id roles } }' },
      {
        ...invented,
        authorization: `Bearer ${accessToken}`,
      },
    )
    expect(own.body.data).toEqual({ me: { id: userId, roles: [] } })
  })

  it('a session has the address of the client’s connection, whatever the client claims', async () => {
    const account = await gateway.signUp()
    const input = { email: account.email, password: account.password }
    const query = 'mutation ($input: LoginInput!) { login(input: $input) { session { ipAddress device } } }'
    const claims = {
      ...invented,
      cookie: '',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    }
    const { body } = await sendFrom('127.0.0.2', gateway, { query, variables: { input } }, claims)
    expect(body.data).toEqual({ login: { session: { ipAddress: '127.0.0.2', device: 'Firefox on Linux' } } })
    const bare = await sendFrom('127.0.0.2', gateway, { query, variables: { input } })
    expect(bare.body.data).toMatchObject({ login: { session: { ipAddress: '127.0.0.2', device: null } } })
  })

  it('a limit counts by that address too', async () => {
    const from = kind === 'apollo' ? '127.0.0.3' : '127.0.0.4'
    const verify = (address: string, at: number) =>
      sendFrom(
        address,
        gateway,
        { query: 'mutation { verifyEmail(token: "x") }' },
        { 'x-forwarded-for': `203.0.113.${at}` },
      )
    let refused: Raw | undefined
    for (let at = 1; at <= 40 && refused?.status !== 429; at++) refused = await verify(from, at)
    expect(refused?.status).toBe(429)
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0)
    expect(refused?.body.errors?.[0]?.extensions).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      recover: 'RETRY',
    })
    // Charged to the connection: another client is not held up.
    expect((await verify('127.0.0.5', 1)).body.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT')
  })

  it('a service is sent the token and the address, and neither cookies nor what the client invented', async () => {
    orders.asked.length = 0
    await sendFrom('127.0.0.2', gateway, { query: '{ shop }' }, { ...invented, authorization: 'Bearer abc' })
    const [{ headers = {} } = {}] = orders.asked
    const ofFetch = [
      'accept',
      'accept-encoding',
      'accept-language',
      'connection',
      'content-length',
      'content-type',
      'host',
      'sec-fetch-mode',
    ]
    const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !ofFetch.includes(name)))
    expect(sent).toEqual({
      authorization: 'Bearer abc',
      'user-agent': '',
      'x-forwarded-for': '203.0.113.9, 198.51.100.7, 203.0.113.10, 127.0.0.2',
    })
    expect(headers.host).toBe(new URL(orders.url).host)
  })
})

describe('forwardHeaders', () => {
  const headers = {
    host: 'shop.example',
    connection: 'keep-alive',
    'content-length': '5',
    'transfer-encoding': 'chunked',
    'x-user-id': '1',
    authorization: 'Bearer abc',
    origin: 'https://shop.example',
    'sec-fetch-site': 'same-origin',
    'user-agent': 'App/1',
    'annul-renew': '1',
    'annul-device': 'd',
    'apollo-require-preflight': 'true',
    cookie: 'a=b; __Host-annul-refresh=r; x__Host-annul-=1; __Host-annul-fingerprint=f',
  }
  const socket = { remoteAddress: '::ffff:192.0.2.1' }

  it('gives Annul all that its login needs', () => {
    expect(forwardHeaders({ headers, socket }, { to: 'annul' })).toEqual({
      authorization: 'Bearer abc',
      origin: 'https://shop.example',
      'sec-fetch-site': 'same-origin',
      'user-agent': 'App/1',
      'annul-renew': '1',
      'annul-device': 'd',
      'apollo-require-preflight': 'true',
      cookie: '__Host-annul-refresh=r; __Host-annul-fingerprint=f',
      'x-forwarded-for': '::ffff:192.0.2.1',
    })
  })

  it('gives a service no more than it needs', () => {
    expect(forwardHeaders({ headers, socket })).toEqual({
      authorization: 'Bearer abc',
      'user-agent': 'App/1',
      'x-forwarded-for': '::ffff:192.0.2.1',
    })
  })

  it('drops the client’s list of hops where its own address is not known', () => {
    const sent = forwardHeaders({ headers: { 'x-forwarded-for': '203.0.113.9' } }, { to: 'annul' })
    expect(sent).toEqual({ 'user-agent': '' })
  })
})
