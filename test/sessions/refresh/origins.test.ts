import { describe, expect, it } from '@jest/globals'
import { type TestServer, useServer } from '../../support/server.ts'
import { createBrowser, loginWith, refreshCookie, setCookies, tokensOf } from './browser.ts'
import { bodyOf, newAttempt, snapshot } from './support.ts'

const app = 'https://app.example.com'
const admin = 'http://localhost:3000'

const server = useServer()
const listed = useServer({ env: { ANNUL_ALLOWED_ORIGINS: `${app}, ${admin}` } })

const notAllowed = (field: string) => ({
  status: 200,
  data: null,
  errors: [
    {
      message: 'The cookie may not be used from this origin.',
      path: [field],
      locations: expect.any(Array),
      extensions: { code: 'ORIGIN_NOT_ALLOWED' },
    },
  ],
})

type Headers = Record<string, string>

/** What login, refresh and logout say to a page that has the cookies of a live session. */
async function tryAll(node: TestServer, headers: Headers, own: string = node.url) {
  const browser = createBrowser(node, own)
  const { email, password, session } = await browser.register()
  const before = await snapshot(node, session.id)
  const page = createBrowser(node, null)
  for (const [name, value] of browser.cookies) page.cookies.set(name, value)
  const input = { email, password, cookie: true }
  const answers = {
    login: await page.send(loginWith, { variables: { input }, headers }),
    refresh: await page.refresh(browser.attempt(), headers),
    logout: await page.send('mutation { logout }', { headers }),
  }
  return { answers, before, after: await snapshot(node, session.id) }
}

/** All three are refused, nothing is written (no audit event of a login, either), no cookie set or cleared. */
async function expectRefused(node: TestServer, headers: Headers, own?: string) {
  const { answers, before, after } = await tryAll(node, headers, own)
  const { login, refresh, logout } = answers
  expect([login, refresh, logout].map(bodyOf)).toEqual([
    notAllowed('login'),
    notAllowed('refresh'),
    notAllowed('logout'),
  ])
  expect([login, refresh, logout].flatMap(setCookies)).toEqual([])
  expect(after).toEqual(before)
}

async function expectAllowed(node: TestServer, headers: Headers, own?: string) {
  const { answers, after } = await tryAll(node, headers, own)
  const { login, refresh, logout } = answers
  expect(tokensOf(login, 'login').refreshToken).toBeNull()
  expect(setCookies(login)).toHaveLength(2)
  // The page holds the new login's cookies by now, and the attempt is of the old one.
  expect(refresh).toMatchObject({ code: 'INVALID_REFRESH_TOKEN', reason: 'TOKEN_STALE' })
  expect(logout.data).toEqual({ logout: true })
  expect(setCookies(logout)).toHaveLength(2)
  expect(after.session).toMatchObject({ generation: 1, ended_at: null })
}

describe('without ANNUL_ALLOWED_ORIGINS the cookie belongs to the server’s own pages', () => {
  const host = () => new URL(server.url).host
  const port = () => new URL(server.url).port

  it('allows the own origin, with either scheme: a proxy that ends TLS hides it', async () => {
    await expectAllowed(server, { origin: server.url })
    await expectAllowed(server, { origin: `https://${host()}` })
    await expectAllowed(server, { origin: server.url, 'sec-fetch-site': 'same-origin' })
  })

  it('allows a request without Origin that the browser calls same-origin', async () => {
    await expectAllowed(server, { 'sec-fetch-site': 'same-origin' })
  })

  const foreign: [string, () => Headers][] = [
    ['another site', () => ({ origin: app })],
    ['another port', () => ({ origin: `http://127.0.0.1:${Number(port()) - 1}` })],
    ['no port', () => ({ origin: 'http://127.0.0.1' })],
    ['another name for the same machine', () => ({ origin: `http://localhost:${port()}` })],
    ['a neighbouring subdomain', () => ({ origin: `http://evil.${host()}` })],
    ['a host that only begins like it', () => ({ origin: `http://127.0.0.1.evil.example:${port()}` })],
    ['the own host as somebody’s name', () => ({ origin: `http://${host()}@evil.example` })],
    ['a page without an origin', () => ({ origin: 'null' })],
    ['an Origin that is none', () => ({ origin: host() })],
    [
      'a foreign Origin that calls itself same-origin',
      () => ({ origin: app, 'sec-fetch-site': 'same-origin' }),
    ],
    ['neither Origin nor Sec-Fetch-Site', () => ({})],
    ['no Origin and same-site', () => ({ 'sec-fetch-site': 'same-site' })],
    ['no Origin and cross-site', () => ({ 'sec-fetch-site': 'cross-site' })],
    ['no Origin and none', () => ({ 'sec-fetch-site': 'none' })],
    ['the own name in X-Forwarded-Host only', () => ({ origin: app, 'x-forwarded-host': 'app.example.com' })],
    ['the own name in Referer only', () => ({ referer: `${server.url}/` })],
  ]
  it.each(foreign)('refuses %s, and does nothing', async (_, headers) => {
    await expectRefused(server, headers())
  })

  it('gives no page of another origin leave to read an answer', async () => {
    const { headers } = await server.send('{ __typename }', { headers: { origin: app } })
    expect([...headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
  })

  it('is not asked where no cookie plays a part', async () => {
    const account = await server.signUp()
    const { email, password } = account
    const foreignPage = createBrowser(server, app)
    const login = await foreignPage.send(loginWith, { variables: { input: { email, password } } })
    expect(tokensOf(login, 'login').refreshToken).toMatch(/^annul_rt_/)
    expect(setCookies(login)).toEqual([])
    const { accessToken: token } = tokensOf(login, 'login')
    expect((await foreignPage.send('mutation { logout }', { token })).data).toEqual({ logout: true })
  })
})

describe('with ANNUL_ALLOWED_ORIGINS', () => {
  it('allows each of them', async () => {
    await expectAllowed(listed, { origin: app }, app)
    await expectAllowed(listed, { origin: admin }, app)
  })

  it.each([
    ['the server’s own, which is not in the list', () => listed.url],
    ['another scheme', () => 'http://app.example.com'],
    ['another port', () => `${app}:8443`],
    ['a subdomain', () => 'https://evil.app.example.com'],
    ['a longer name', () => `${app}.evil.example`],
    ['other letters', () => app.toUpperCase()],
    ['the whole list', () => `${app}, ${admin}`],
  ])('refuses %s', async (_, origin) => {
    await expectRefused(listed, { origin: origin() }, app)
  })

  it('answers CORS with credentials to them, and to nobody else', async () => {
    for (const origin of [app, admin]) {
      const { headers } = await createBrowser(listed, origin).refresh(newAttempt())
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('access-control-allow-credentials')).toBe('true')
      expect(headers.get('vary')).toMatch(/\borigin\b/i)
    }
    for (const origin of ['https://evil.example', listed.url]) {
      const { headers } = await createBrowser(listed, origin).refresh(newAttempt())
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('answers the preflight of a client’s request', async () => {
    const preflight = (origin: string) =>
      fetch(`${listed.url}/graphql`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,annul-renew,annul-device',
        },
      })
    const { status, headers } = await preflight(app)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(app)
    expect(headers.get('access-control-allow-credentials')).toBe('true')
    expect(headers.get('access-control-allow-headers')?.split(/, */)).toEqual(
      expect.arrayContaining(['authorization', 'content-type', 'annul-renew', 'annul-device']),
    )
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
  })

  it('a request that needs no preflight is not even read: the cookie alone does nothing', async () => {
    const browser = createBrowser(listed, app)
    const { session } = await browser.register()
    const before = await snapshot(listed, session.id)
    const response = await fetch(`${listed.url}/graphql`, {
      method: 'POST',
      headers: {
        origin: app,
        'content-type': 'text/plain',
        cookie: `${refreshCookie}=${browser.cookies.get(refreshCookie)}`,
      },
      body: JSON.stringify({ query: 'mutation { logout }' }),
    })
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
    expect([response.status, errors[0]?.extensions.code]).toEqual([400, 'BAD_REQUEST'])
    expect(await snapshot(listed, session.id)).toEqual(before)
  })
})
