import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { createBrowser, loginWith } from '../sessions/refresh/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/* The developer of a page on another origin finds out which setting is missing; the page finds out nothing else. */

const app = 'https://app.example.com'
const listedApp = 'https://listed.example.com'
const message = 'Pages of other origins may use this server when ANNUL_ALLOWED_ORIGINS names their origin.'
const refusal = { errors: [{ message, extensions: { code: 'ORIGIN_NOT_ALLOWED' } }] }

let lines: string[] = []
let own: TestServer
let listed: TestServer
beforeAll(async () => {
  const onLogLine = (line: string) => lines.push(line)
  own = await startTestServer({ onLogLine })
  listed = await startTestServer({ env: { ANNUL_ALLOWED_ORIGINS: listedApp }, onLogLine })
})
afterAll(async () => {
  await own.close()
  await listed.close()
})
beforeEach(() => {
  lines = []
})

const told = () =>
  lines.map(line => JSON.parse(line)).filter(({ msg }) => msg.includes('ANNUL_ALLOWED_ORIGINS'))
const corsOf = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))

/** What a browser asks before it sends what the client sends. */
function preflight(server: TestServer, origin: string, headers: Record<string, string> = {}) {
  return fetch(`${server.url}/graphql`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
      ...headers,
    },
  })
}

function send(server: TestServer, origin: string, body: object, headers: Record<string, string>) {
  return fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

describe.each<[string, () => TestServer, string]>([
  ['without ANNUL_ALLOWED_ORIGINS', () => own, 'https://one.example.com'],
  ['with ANNUL_ALLOWED_ORIGINS', () => listed, 'https://two.example.com'],
])('A foreign page, %s,', (_, server, origin) => {
  it.each(['cross-site', 'same-site'])('reads the error that names the setting (%s)', async site => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'cors' }
    const asked = await preflight(server(), origin, headers)
    expect(asked.status).toBe(204)
    expect(corsOf(asked.headers)).toEqual({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers':
        'content-type, authorization, apollo-require-preflight, annul-renew, annul-device',
      'access-control-max-age': '0',
    })
    const sent = await send(server(), origin, { query: '{ __typename }' }, headers)
    expect({ status: sent.status, body: await sent.json() }).toEqual({ status: 403, body: refusal })
    // No credentials: a browser shows this to no page that sends cookies.
    expect(corsOf(sent.headers)).toEqual({ 'access-control-allow-origin': origin })
    expect(sent.headers.get('vary')).toMatch(/\borigin\b/)
  })

  it('whose browser does not say where it comes from gets no leave to send', async () => {
    const asked = await preflight(server(), origin)
    expect({ status: asked.status, body: await asked.json() }).toEqual({ status: 403, body: refusal })
    expect(corsOf(asked.headers)).toEqual({})
    const claims = await preflight(server(), origin, { 'sec-fetch-site': 'same-origin' })
    expect({ status: claims.status, cors: corsOf(claims.headers) }).toEqual({ status: 403, cors: {} })
  })

  it('has nothing carried out: no login, no query, no cookie', async () => {
    const browser = createBrowser(server(), server() === listed ? listedApp : server().url)
    const { email, password } = await browser.register()
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const count = () =>
      server().rows(sql`select (select count(*) from annul.sessions) as sessions,
        (select count(*) from annul.audit_events) as events,
        (select count(*) from annul.sessions where ended_at is null) as live`)
    const before = await count()
    const headers = { 'sec-fetch-site': 'cross-site', cookie }
    for (const body of [
      { query: loginWith, variables: { input: { email, password } } },
      { query: loginWith, variables: { input: { email, password, cookie: true } } },
      { query: 'mutation { logout }' },
      { query: 'mutation { refresh { accessToken } }' },
      { query: '{ __typename }' },
    ]) {
      const sent = await send(server(), origin, body, headers)
      expect({ status: sent.status, body: await sent.json() }).toEqual({ status: 403, body: refusal })
      expect(sent.headers.get('set-cookie')).toBeNull()
    }
    const url = `${server().url}/graphql?query=%7B__typename%7D`
    const got = await fetch(url, { headers: { origin, ...headers, 'apollo-require-preflight': '1' } })
    expect({ status: got.status, body: await got.json() }).toEqual({ status: 403, body: refusal })
    expect(await count()).toEqual(before)
  })
})

describe('The log tells of a foreign origin', () => {
  const headers = { 'sec-fetch-site': 'cross-site' }

  it('once, with the setting', async () => {
    for (let time = 0; time < 3; time++) {
      await preflight(own, app)
      await preflight(own, app, headers)
      await send(own, app, { query: '{ __typename }' }, headers)
    }
    await preflight(own, 'null')
    expect(told()).toMatchObject([
      { level: 40, origin: app, msg: `A page of this origin was refused. ${message}` },
      { level: 40, origin: 'null', msg: `A page of this origin was refused. ${message}` },
    ])
  })

  it('at most a hundred times, and never of what is no origin', async () => {
    const server = await startTestServer({ onLogLine: line => lines.push(line) })
    for (const text of ['not an origin', `${app}/path?secret=1`, `https://${'a'.repeat(400)}.example`])
      expect((await preflight(server, text)).status).toBe(403)
    expect(told()).toEqual([])
    for (let number = 0; number < 120; number++) await preflight(server, `https://${number}.example.com`)
    const origins = told().map(({ origin }) => origin)
    expect(origins).toHaveLength(100)
    expect(origins.slice(-2)).toEqual(['https://98.example.com', 'https://99.example.com, and perhaps more'])
    await server.close()
  })

  it('not where nothing is wrong', async () => {
    expect((await preflight(listed, listedApp, headers)).status).toBe(204)
    const sent = await send(listed, listedApp, { query: '{ __typename }' }, headers)
    expect(await sent.json()).toEqual({ data: { __typename: 'Query' } })
    await own.send('{ __typename }', { headers: { origin: own.url, 'sec-fetch-site': 'same-origin' } })
    await own.send('{ __typename }', { headers: { 'sec-fetch-site': 'none' } })
    expect(told()).toEqual([])
  })
})

describe('Everything else is as it was:', () => {
  it('an allowed origin may send with credentials', async () => {
    const { status, headers } = await preflight(listed, listedApp, { 'sec-fetch-site': 'cross-site' })
    expect(status).toBe(204)
    expect(corsOf(headers)).toMatchObject({
      'access-control-allow-origin': listedApp,
      'access-control-allow-credentials': 'true',
    })
  })

  it('the server’s own pages behind a proxy that rewrites Host are served where no cookie plays a part', async () => {
    const headers = { 'sec-fetch-site': 'same-origin' }
    const sent = await send(own, 'https://public.example.com', { query: '{ __typename }' }, headers)
    expect(await sent.json()).toEqual({ data: { __typename: 'Query' } })
  })
})

describe('Pages of any origin may read', () => {
  it.each(['/.well-known/jwks.json', '/healthz'])('%s', async path => {
    for (const server of [own, listed]) {
      const { status, headers } = await fetch(server.url + path, {
        headers: { origin: app, 'sec-fetch-site': 'cross-site' },
      })
      expect({ status, cors: corsOf(headers) }).toEqual({
        status: 200,
        cors: { 'access-control-allow-origin': '*' },
      })
    }
  })

  it('nothing else', async () => {
    for (const path of ['/metrics', '/readyz', '/', '/graphql?query=%7B__typename%7D']) {
      const { headers } = await fetch(own.url + path, { headers: { origin: app } })
      expect(corsOf(headers)).toEqual({})
    }
  })
})
