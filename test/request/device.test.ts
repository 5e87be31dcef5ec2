import { describe, expect, it } from '@jest/globals'
import { emailKey } from '../../src/input/email.ts'
import { stateOf } from '../../src/request/context.ts'
import type { HeaderList, RequestLike } from '../../src/request/message.ts'
import { deviceTokens } from '../../src/tokens/deviceToken.ts'
import type { VisitorDevice } from '../../src/viewer.ts'
import { allCookies, createBrowser, deviceCookie, loginWith } from '../sessions/refresh/browser.ts'
import { useServer } from '../support/server.ts'

const page = 'https://app.example.com'
const server = useServer({ env: { ANNUL_ALLOWED_ORIGINS: page } })
const ada = 'ada@example.com'

/** The device of a request with these headers, and what its answer is given. */
function deviceOf(headers: RequestLike['headers']): { device: VisitorDevice; answer: HeaderList } {
  const answer: HeaderList = []
  const response = { appendHeader: (name: string, value: string) => answer.push([name, value]) }
  const { auth } = server.auth.context({ headers, socket: { remoteAddress: '127.0.0.1' } }, response)
  return { device: stateOf(auth).visitor.device, answer }
}

const tokens = () => deviceTokens(Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64'))
const knownToken = () => tokens().write(tokens().remember(tokens().create(), ada))
const cookieOf = (token: string) => `other=1; ${deviceCookie}=${token}`

describe('the device of a request', () => {
  it('is read from the header, or else from the cookie of a page that is allowed', () => {
    const token = knownToken()
    for (const headers of [
      { 'annul-device': token },
      { cookie: cookieOf(token), origin: page },
      { cookie: cookieOf(token) },
      // An answer that carried it twice reaches the client as a list.
      { 'annul-device': `${tokens().write(tokens().create())}, ${token}` },
    ]) {
      const { device, answer } = deviceOf(headers)
      expect([device.knows(ada), device.knows('bob@example.com'), device.knownId]).toEqual([
        true,
        false,
        tokens().read(token)?.id,
      ])
      // Reading gives the client nothing, and neither does what it knows already.
      device.remember(ada)
      expect([device.id, answer]).toEqual([device.knownId, []])
    }
  })

  it('is none for what is no token, and for the cookie behind a foreign page', () => {
    const token = knownToken()
    for (const headers of [
      {},
      { 'annul-device': '' },
      { 'annul-device': token.slice(0, -1) },
      { 'annul-device': '', cookie: cookieOf(token), origin: page },
      { cookie: cookieOf(token), origin: 'https://evil.example' },
      { cookie: cookieOf(token), 'sec-fetch-site': 'same-site' },
    ]) {
      const { device } = deviceOf(headers)
      expect([device.knows(ada), device.knownId]).toEqual([false, undefined])
    }
  })

  it('is given as a cookie to a browser, which no script can read', () => {
    const { device, answer } = deviceOf({ origin: page })
    device.remember(ada)
    expect(answer).toEqual([
      [
        'set-cookie',
        expect.stringMatching(
          /^__Host-annul-device=annul_d_[\w.-]+; Max-Age=34560000; Path=\/; Secure; SameSite=Strict; HttpOnly$/,
        ),
      ],
    ])
  })

  it('is given in the header to a client without cookies, and to a script that sends the header', () => {
    for (const headers of [{}, { 'annul-device': '' }, { 'annul-device': '', origin: page }]) {
      const { device, answer } = deviceOf(headers)
      device.remember(ada)
      const [[name, value = ''] = []] = answer
      expect([answer.length, name]).toEqual([1, 'annul-device'])
      expect(deviceOf({ 'annul-device': value }).device.knows(ada)).toBe(true)
    }
  })

  it('is never given to a foreign page, which must not replace the browser’s own', () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'https://evil.example', 'annul-device': '' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const { device, answer } = deviceOf(headers)
      device.remember(ada)
      expect([device.id.length, answer]).toEqual([22, []])
    }
  })

  it('that was not there is made once, and stays the same within the request', () => {
    const { device, answer } = deviceOf({})
    const { id } = device
    device.remember(ada)
    expect([device.id, device.knownId, device.knows(ada)]).toEqual([id, id, true])
    expect(answer.map(([, token]) => tokens().read(token)?.id)).toEqual([id, id])
  })

  it('is given through the headers of the Fetch API, too', async () => {
    const token = knownToken()
    const request = new Request('http://localhost/graphql', { headers: { 'annul-device': token } })
    const { auth, headers } = await server.auth.open(request)
    const { device } = stateOf(auth).visitor
    expect(device.knows(ada)).toBe(true)
    device.remember('bob@example.com')
    expect(headers).toEqual([['annul-device', expect.stringMatching(/^annul_d_/)]])
  })

  it('of a socket is that of the upgrade, and its answers carry none', () => {
    const request = { headers: { 'annul-device': knownToken() }, socket: { remoteAddress: '127.0.0.1' } }
    const { device } = stateOf(server.auth.socketContext(request, () => undefined).auth).visitor
    expect(device.knows(ada)).toBe(true)
    device.remember('bob@example.com')
    expect(device.knows('bob@example.com')).toBe(true)
  })
})

describe('a device is known', () => {
  it('after login and register, in the browser, and outlives a logout', async () => {
    const browser = createBrowser(server, page)
    const { email, password, answer } = await browser.register()
    expect(allCookies(answer).map(({ name }) => name)).toContain(deviceCookie)
    await browser.send('mutation { logout }')
    const token = browser.device.get(deviceCookie) ?? ''
    expect(tokens().knows(tokens().read(token) ?? tokens().create(), emailKey(email))).toBe(true)
    // Nothing is set anew where nothing is new.
    const again = await browser.send(loginWith, { variables: { input: { email, password } } })
    expect(again.errors).toBeUndefined()
    expect(allCookies(again)).toEqual([])
  })

  it('not after a refused login, not even to a browser', async () => {
    const { email } = await server.signUp()
    const { code, headers } = await server.send(loginWith, {
      variables: { input: { email, password: 'not the password' } },
      headers: { origin: page },
    })
    expect([code, headers.getSetCookie(), headers.get('annul-device')]).toEqual([
      'INVALID_CREDENTIALS',
      [],
      null,
    ])
  })

  it('to a page of another origin that is allowed: it may read and send the header', async () => {
    const preflight = await fetch(`${server.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin: page, 'access-control-request-method': 'POST' },
    })
    expect(preflight.headers.get('access-control-allow-headers')).toContain('annul-device')
    const { email, password } = await server.signUp()
    const { headers } = await server.send(loginWith, {
      variables: { input: { email, password } },
      headers: { origin: page, 'annul-device': '' },
    })
    expect(headers.get('access-control-expose-headers')).toContain('annul-device')
    expect([headers.get('annul-device'), headers.getSetCookie()]).toEqual([
      expect.stringMatching(/^annul_d_/),
      [],
    ])
  })
})
