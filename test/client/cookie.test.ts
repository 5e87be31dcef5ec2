import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { IDBFactory } from 'fake-indexeddb'
import type { SignedOutReason } from '../../src/client/index.ts'
import {
  ask,
  type CookieJar,
  createCookieJar,
  createNetwork,
  openSession,
  pause,
  until,
  useClientServer,
} from './support.ts'

const page = globalThis as { document?: unknown; location?: unknown; indexedDB?: unknown }
const readableCookie = '__Host-annul-session'
const refreshCookie = '__Host-annul-refresh'

const server = useClientServer()
let jar: CookieJar

// What a page has and Node has not. Web Locks are missing on purpose: attempts alone must do.
beforeEach(() => {
  jar = createCookieJar(server.url)
  page.indexedDB = new IDBFactory()
  page.location = new URL('/app', server.url)
  page.document = {
    get cookie() {
      return jar.readable()
    },
  }
})
afterEach(() => {
  delete page.document
  delete page.location
  delete page.indexedDB
})

function openTab() {
  const network = createNetwork(jar)
  const onSignedOut = jest.fn<(reason: SignedOutReason) => void>()
  const session = openSession({ endpoint: '/graphql', fetch: absolute(network.fetch), onSignedOut })
  return { session, network, onSignedOut }
}

/** Node's fetch knows no page that a relative address could be of. */
const absolute =
  (send: typeof fetch): typeof fetch =>
  (input, init) =>
    send(typeof input === 'string' ? new URL(input, server.url) : input, init)

describe('cookie mode', () => {
  test('keeps the refresh token where no script can read it, and is restored after a reload', async () => {
    const account = await server.signUp()
    const { session, network } = openTab()
    await session.login(account)
    expect(jar.values.get(refreshCookie)).toMatchObject({ httpOnly: true })
    expect(network.sentWith('login').at(-1)?.variables.input).toMatchObject({ cookie: true })

    const reloaded = openTab()
    await expect(reloaded.session.ready).resolves.toMatchObject({ user: { id: account.userId } })
    const { refreshToken, attempt } = reloaded.network.sentWith('refresh(')[0]?.variables ?? {}
    expect(refreshToken).toBeUndefined()
    expect(attempt).toMatch(/^[0-9a-f-]{36}\.\d+\.[0-9a-f]{36}$/)
    await expect(ask(reloaded.session, '/graphql', '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
  })

  test('repeats a lost answer’s attempt after a reload', async () => {
    const { session, network, onSignedOut } = openTab()
    await session.login(await server.signUp())
    network.fail('refresh(', 'lost')
    await session.refresh()
    expect(new Set(network.sentWith('refresh(').map(({ variables }) => variables.attempt)).size).toBe(1)
    const before = new Map(jar.values)
    await session.refresh()
    // The browser went down before it had stored the answer's cookies.
    for (const [name, cookie] of before) jar.values.set(name, cookie)
    const reloaded = openTab()
    await expect(reloaded.session.ready).resolves.toMatchObject({ status: 'signedIn' })
    expect(reloaded.network.sentWith('refresh(')[0]?.variables.attempt).toBe(
      network.sentWith('refresh(').at(-1)?.variables.attempt,
    )
    expect(onSignedOut).not.toHaveBeenCalled()
  })

  test('tries once more when the readable cookie was behind', async () => {
    const { session, network, onSignedOut } = openTab()
    await session.login(await server.signUp())
    const readable = jar.values.get(readableCookie) ?? { value: '', httpOnly: false }
    await session.refresh()
    jar.values.set(readableCookie, readable)
    await expect(session.refresh()).resolves.toMatchObject({ status: 'signedIn' })
    expect(network.sentWith('refresh(')).toHaveLength(3)
    expect(onSignedOut).not.toHaveBeenCalled()
  })

  test('logs out in every tab, and by the server’s answer the cookies go', async () => {
    const account = await server.signUp()
    const [one, two] = [openTab(), openTab()]
    await one.session.login(account)
    await until(() => two.session.user?.id === account.userId)
    await expect(two.session.logout()).resolves.toBe(true)
    await until(() => one.session.state.status === 'signedOut')
    expect(one.onSignedOut.mock.calls).toEqual([['LOGGED_OUT']])
    // The device stays known (docs/brute-force.md).
    expect([...jar.values.keys()]).toEqual(['__Host-annul-device'])
    expect((await server.sessions())[0]).toMatchObject({ end_reason: 'LOGGED_OUT' })
  })

  test('stays signed out after a reload, though the server could not be told and the cookies are still there', async () => {
    const account = await server.signUp()
    const { session, network } = openTab()
    await session.login(account)
    network.fail('logout', ...Array(20).fill('lost'))
    const logout = session.logout()
    expect(session.state.status).toBe('signedOut')
    const reloaded = openTab()
    await expect(reloaded.session.ready).resolves.toMatchObject({ status: 'signedOut' })
    expect(reloaded.network.sent).toHaveLength(0)
    await expect(logout).resolves.toBe(false)
    expect(jar.values.has(refreshCookie)).toBe(true)
    await reloaded.session.login(account)
    expect(reloaded.session.state.status).toBe('signedIn')
  }, 20_000)

  test('tells why a session has ended once, not at every reload', async () => {
    const account = await server.signUp()
    const { session, onSignedOut } = openTab()
    await session.login(account)
    await server.send('mutation { revokeSessions }', { token: (await server.login(account)).accessToken })
    await ask(session, '/graphql', '{ secret }')
    expect(onSignedOut.mock.calls).toEqual([['SESSIONS_REVOKED']])
    expect(jar.values.has(refreshCookie)).toBe(true)
    const reloaded = openTab()
    await expect(reloaded.session.ready).resolves.toEqual({ status: 'signedOut', user: null, reason: null })
    expect(reloaded.onSignedOut).not.toHaveBeenCalled()
  })

  test('a logout does not clear the cookies of a login that another tab has made meanwhile', async () => {
    // In a browser without Web Locks; with them (Node 24 has them too) the login waits for the logout.
    const navigator: unknown = Reflect.get(globalThis, 'navigator')
    if (navigator) Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true })
    const account = await server.signUp()
    const [one, two] = [openTab(), openTab()]
    await one.session.login(account)
    await until(() => two.session.user !== null)
    let answer = () => {}
    one.network.fail(
      'refresh(',
      new Promise<void>(resolve => {
        answer = resolve
      }),
    )
    const refresh = one.session.refresh()
    await until(() => one.network.held() === 1)
    const logout = one.session.logout()
    await two.session.login(account)
    const cookies = [...jar.values.keys()]
    answer()
    await refresh
    await expect(logout).resolves.toBe(false)
    expect([...jar.values.keys()]).toEqual(cookies)
    await pause(50)
    await expect(two.session.refresh()).resolves.toMatchObject({ status: 'signedIn' })
    await expect(ask(two.session, '/graphql', '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
  })

  test('two tabs that refresh at once rotate once, or one after the other, and none is signed out', async () => {
    const account = await server.signUp()
    const tabs = [openTab(), openTab(), openTab()]
    await tabs[0]?.session.login(account)
    await until(() => tabs.every(({ session }) => session.user))
    for (let round = 0; round < 5; round++) await Promise.all(tabs.map(({ session }) => session.refresh()))
    for (const { session, onSignedOut } of tabs) {
      expect(onSignedOut).not.toHaveBeenCalled()
      await expect(ask(session, '/graphql', '{ secret }')).resolves.toMatchObject({
        data: { secret: 'secret' },
      })
    }
  })

  test('is refused for an endpoint on another host, whose cookie the page could not read', () => {
    const message = 'createSession: cookies need a page on its host'
    expect(() => openSession({ endpoint: 'https://api.example.com/graphql' })).toThrow(new TypeError(message))
    const { hostname } = new URL(server.url)
    expect(() => openSession({ endpoint: `http://${hostname}:1/graphql` })).not.toThrow()
  })
})
