import { printSchemaWithDirectives } from '@graphql-tools/utils'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createBrowser } from '../sessions/refresh/browser.ts'
import { app } from '../support/app.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.js'
import { makeAdmin, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { useVerifier } from '../support/verifier.ts'
import { listen, openStitched, useOrders } from './support.ts'

/* Gateways that stitch Annul's schema and that of a service, on Apollo Server and on Yoga, as a client sees them. */

const origin = 'https://shop.example'
const env = { ANNUL_ALLOWED_ORIGINS: origin, ANNUL_TRUSTED_PROXIES: '127.0.0.1' }
const server = useServer({ env })
const orders = useOrders()
const deadNode = useFixture(async () => {
  const { url, close } = await listen((await import('node:http')).createServer())
  await close()
  return { url, close: async () => {} }
})

const verifier = useVerifier(() => [server])

const mine = '{ me { id orders { id } } }'

describe.each([
  ['apollo', false],
  ['apollo', true],
  ['yoga', false],
  ['yoga', true],
] as const)('a gateway on %s (subrequests in batches: %s)', (kind, batch) => {
  const annul = () => `${server.url}/graphql`
  /** The bodies of the subrequests. */
  const sent: string[] = []
  const counted = (url: string, init: RequestInit) => {
    sent.push(String(init.body))
    return fetch(url, init)
  }
  const gateway = useFixture(() => openStitched({ kind, batch, annul: annul(), orders, fetch: counted }))
  const guarding = useFixture(() => openStitched({ kind, batch, annul: annul(), orders, verifier }))

  it('answers from both services for one user, and asks the service once', async () => {
    const { accessToken: token, userId } = await gateway.signUp()
    orders.asked.length = 0
    const answer = await gateway.send(`{ me { id email orders { id } } shop }`, { token })
    expect(answer.errors).toBeUndefined()
    expect(answer.data).toMatchObject({ me: { orders: [{ id: `order of ${userId}` }] }, shop: 'open' })
    expect(orders.asked.filter(({ query }) => query.includes('ordersOf'))).toHaveLength(1)
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it('asks Annul once for the users that a service names, and each is refused by itself', async () => {
    const [account, stranger] = [await gateway.signUp(), await gateway.signUp()]
    const ids = JSON.stringify([account.userId, stranger.userId])
    sent.length = 0
    const answer = await gateway.send(`{ buyers(ids: ${ids}) { id email orders { id } } }`, {
      token: account.accessToken,
    })
    expect(answer.data).toEqual({
      buyers: [
        { id: account.userId, email: account.email, orders: [{ id: `order of ${account.userId}` }] },
        { id: stranger.userId, email: null, orders: [{ id: `order of ${stranger.userId}` }] },
      ],
    })
    expect(answer.errors?.map(({ extensions: { code } }) => code)).toEqual(['FORBIDDEN'])
    expect(sent.filter(body => body.includes('_users('))).toHaveLength(1)
  })

  it('keeps Annul’s directives, so that the gateway’s schema shows what is guarded', () => {
    const sdl = printSchemaWithDirectives(gateway.schema)
    expect(sdl).toMatch(/\bme: User! @auth\n/)
    expect(sdl).toMatch(/\busers\([^)]*\): UserConnection! @auth\(roles: \["admin"\]\)/)
    expect(sdl).toContain('directive @auth(')
  })

  it('gives a refusal its status, its header and all of its extensions', async () => {
    const stranger = await gateway.send(mine)
    expect([stranger.status, stranger.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="annul"'])
    const account = await gateway.signUp()
    const { accessToken: token } = account
    await gateway.send('mutation { logout }', { token })
    const late = await gateway.send(mine, { token })
    expect([late.status, late.data]).toEqual([401, null])
    expect(late.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(late.errors).toMatchObject([
      { path: ['me'], extensions: { code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT', recover: 'LOGIN' } },
    ])
    const other = await gateway.login(account)
    const refused = await gateway.send('{ users { edges { cursor } } }', { token: other.accessToken })
    expect([refused.status, refused.errors?.[0]?.extensions]).toEqual([
      200,
      { code: 'FORBIDDEN', required: { roles: ['admin'] } },
    ])
  })

  it('passes on which proof is wanted, and how recent', async () => {
    const admin = await gateway.signUp()
    await makeAdmin(server, admin.email)
    const { accessToken: token } = await gateway.login(admin)
    const { status, data, errors } = await gateway.send(
      `mutation { resetFactors(id: "${admin.userId}") { id } }`,
      { token },
    )
    expect([status, data, errors?.map(({ path, extensions }) => ({ path, ...extensions }))]).toEqual([
      200,
      null,
      [
        {
          ...{ path: ['resetFactors'], code: 'REAUTHENTICATION_REQUIRED', recover: 'REAUTHENTICATE' },
          ...{ maxAge: 300, mfa: true },
        },
      ],
    ])
  })

  it('answers 200 where there is data beside the errors', async () => {
    const answer = await gateway.send('{ shop notes: user(id: "x") { id } }')
    expect([answer.status, answer.data, answer.reason]).toEqual([
      200,
      { shop: 'open', notes: null },
      'TOKEN_MISSING',
    ])
  })

  it('tells a client that its roles have changed, so that it refreshes', async () => {
    const [admin, user] = [await gateway.signUp(), await gateway.signUp()]
    await makeAdmin(server, admin.email)
    const { accessToken } = await gateway.login(admin)
    const change = `mutation { setUserAccess(id: "${user.userId}", roles: ["clerk"]) { roles } }`
    const changed = await gateway.send(change, { token: accessToken })
    expect(changed.data).toEqual({ setUserAccess: { roles: ['clerk'] } })
    const late = await gateway.send(mine, { token: user.accessToken })
    expect([late.status, late.reason]).toEqual([401, 'ACCESS_CHANGED'])
    const refreshed = await gateway.refresh(user.refreshToken)
    const again = await gateway.send('{ me { roles } }', { token: refreshed.data?.refresh.accessToken ?? '' })
    expect(again.data).toEqual({ me: { roles: ['clerk'] } })
  })

  it('keeps extensions.annul', async () => {
    const { accessToken: token } = await gateway.signUp()
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: 'mutation { revokeSessions }' }),
    })
    expect(await response.json()).toEqual({
      data: { revokeSessions: true },
      extensions: { annul: { revokedOnAllNodesMs: expect.any(Number) } },
    })
  })

  it('carries a browser’s cookies to Annul and back, for pages of an allowed origin alone', async () => {
    const browser = createBrowser(gateway, origin)
    const { session } = await browser.register()
    expect([...browser.cookies.keys(), ...browser.device.keys()].sort()).toEqual([
      '__Host-annul-device',
      '__Host-annul-refresh',
      '__Host-annul-session',
    ])
    const refreshed = await browser.refresh(browser.attempt())
    expect(refreshed.data?.refresh?.session).toMatchObject({ id: session.id })
    const foreign = await browser.refresh(browser.attempt(), { origin: 'https://evil.example' })
    expect(foreign.code).toBe('ORIGIN_NOT_ALLOWED')
    const silent = await createBrowser(gateway, null).send('mutation { refresh { tokenType } }', {
      headers: { cookie: `__Host-annul-refresh=${browser.cookies.get('__Host-annul-refresh')}` },
    })
    expect(silent.code).toBe('ORIGIN_NOT_ALLOWED')
    const ended = await browser.send('mutation { logout }')
    expect([ended.data, browser.cookies.size]).toEqual([{ logout: true }, 0])
  })

  it('gives a client without cookies its device token', async () => {
    const account = await gateway.signUp()
    const answer = await gateway.send(
      'mutation ($input: LoginInput!) { login(input: $input) { tokenType } }',
      {
        variables: { input: { email: account.email, password: account.password } },
        headers: { 'annul-device': '' },
      },
    )
    expect(answer.headers.get('annul-device')).toMatch(/.{20}/)
  })

  it('stops a dead token before the service is asked, and lets a stale one log in', async () => {
    const account = await guarding.signUp()
    const { accessToken: token } = account
    orders.asked.length = 0
    const live = await guarding.send('{ shop }', { token })
    expect([live.data, orders.asked.length]).toEqual([{ shop: 'open' }, 1])
    await server.send('mutation { logout }', { token })

    const late = await guarding.send('mutation { order { id } }', { token })
    expect([late.status, late.code, late.reason]).toEqual([401, 'UNAUTHENTICATED', 'LOGGED_OUT'])
    expect(late.headers.get('www-authenticate')).toContain('This session was logged out.')
    expect(orders.asked).toHaveLength(1)
    const input = { email: account.email, password: account.password }
    const login = 'mutation ($input: LoginInput!) { login(input: $input) { tokenType } }'
    expect((await guarding.send(login, { token, variables: { input } })).errors).toBeUndefined()
    expect((await guarding.send('{ shop }')).data).toEqual({ shop: 'open' })
  })

  it('answers UNAVAILABLE where a service can not be reached, and tells the cause to the log alone', async () => {
    const lines: unknown[] = []
    const log = { warn: (details: object, message: string) => lines.push({ ...details, message }) }
    const address = `${deadNode.url}/graphql`
    const lost = await openStitched({ kind, batch, annul: address, orders, log })
    try {
      const input = { email: 'someone@example.com', password: 'a password of the client' }
      const login = 'mutation ($input: LoginInput!) { login(input: $input) { tokenType } }'
      const answer = await lost.send(login, { variables: { input } })
      expect([answer.status, answer.code, answer.headers.get('retry-after')]).toEqual([
        503,
        'UNAVAILABLE',
        '1',
      ])
      expect(JSON.stringify(answer.errors)).not.toMatch(/127\.0\.0\.1|password|fetch/)
      expect(lines).toMatchObject([{ url: address, message: 'A service could not be asked.' }])
      expect((await lost.send('{ shop }')).data).toEqual({ shop: 'open' })
    } finally {
      await lost.close()
    }
  })
})

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('while Annul’s database is stopped', () => {
  let postgres: TestPostgres
  const halted = useServer(async () => {
    postgres = await startPostgres()
    await postgres.createDatabase('outage')
    return { database: { env: { DATABASE_URL: postgres.urlOf('outage') } }, extension: app }
  })

  let token: string
  beforeAll(async () => {
    token = (await halted.signUp()).accessToken
    await postgres.halt()
  })
  afterAll(() => postgres.stop())

  it.each(['apollo', 'yoga'] as const)('a gateway on %s answers 503, and signs nobody out', async kind => {
    const gateway = await openStitched({ kind, annul: `${halted.url}/graphql`, orders })
    try {
      // What memory knows it may say for the length of a lease.
      const answer = await until(
        () => gateway.send(mine, { token }),
        ({ code }) => code !== undefined,
      )
      expect([answer.status, answer.headers.get('retry-after'), answer.errors?.[0]?.extensions]).toEqual([
        503,
        '1',
        { code: 'UNAVAILABLE', retryAfter: 1, recover: 'RETRY' },
      ])
      expect((await gateway.send('{ shop }', { token })).data).toEqual({ shop: 'open' })
    } finally {
      await gateway.close()
    }
  })
})
