import { describe, expect, jest, test } from '@jest/globals'
import type { SessionStorage, SignedOutReason } from '../../src/client/index.ts'
import {
  ask,
  createNetwork,
  createSlowStorage,
  openSession,
  outdate,
  pause,
  until,
  useClientServer,
} from './support.ts'

const server = useClientServer()

/** Tabs of one browser: one storage, one network, one channel. */
function openTabs(count: number, storage: SessionStorage = new Map<string, string>()) {
  const network = createNetwork()
  const tabs = Array.from({ length: count }, () => {
    const onSignedOut = jest.fn<(reason: SignedOutReason) => void>()
    const session = openSession({ endpoint: server.endpoint, storage, fetch: network.fetch, onSignedOut })
    return { session, onSignedOut }
  })
  return { tabs, network, storage }
}

describe('tabs', () => {
  test.each(['a Map', 'an asynchronous storage'])('learn of a login in one of them, over %s', async kind => {
    const account = await server.signUp()
    const { tabs, network } = openTabs(3, kind === 'a Map' ? new Map() : createSlowStorage())
    await Promise.all(tabs.map(({ session }) => session.ready))
    await tabs[0]?.session.login(account)
    await until(() => tabs.every(({ session }) => session.user?.id === account.userId))
    for (const { session } of tabs)
      await expect(ask(session, server.endpoint, '{ secret }')).resolves.toMatchObject({
        data: { secret: 'secret' },
      })
    expect(network.sentWith('refresh(')).toHaveLength(0)
  })

  test('share one refresh', async () => {
    const account = await server.signUp()
    const { tabs, network } = openTabs(5)
    await tabs[0]?.session.login(account)
    await until(() => tabs.every(({ session }) => session.user))
    const headers = () => Promise.all(tabs.map(({ session }) => session.headers()))
    await until(async () => new Set((await headers()).map(({ authorization }) => authorization)).size === 1)
    await outdate(server, tabs[0]?.session ?? fail(), account)

    const answers = await Promise.all(tabs.map(({ session }) => ask(session, server.endpoint, '{ secret }')))

    expect(answers.map(({ data }) => data)).toEqual(Array(5).fill({ secret: 'secret' }))
    expect(network.sentWith('refresh(')).toHaveLength(1)
  })

  test('sign out together, each told once and why', async () => {
    const account = await server.signUp()
    const { tabs } = openTabs(3)
    await tabs[0]?.session.login(account)
    await until(() => tabs.every(({ session }) => session.user))
    await tabs[1]?.session.logout()
    await until(() => tabs.every(({ session }) => session.state.status === 'signedOut'))
    await pause(50)
    expect(tabs.map(({ onSignedOut }) => onSignedOut.mock.calls)).toEqual(Array(3).fill([['LOGGED_OUT']]))
  })

  test('learn of a final refusal that one of them met with', async () => {
    const account = await server.signUp()
    const { tabs, network } = openTabs(3)
    await tabs[0]?.session.login(account)
    await until(() => tabs.every(({ session }) => session.user))
    await server.send('mutation { revokeSessions }', { token: (await server.login(account)).accessToken })
    await ask(tabs[2]?.session ?? fail(), server.endpoint, '{ secret }')
    await until(() => tabs.every(({ session }) => session.state.status === 'signedOut'))
    expect(tabs.map(({ onSignedOut }) => onSignedOut.mock.calls)).toEqual(
      Array(3).fill([['SESSIONS_REVOKED']]),
    )
    expect(network.sentWith('refresh(')).toHaveLength(1)
  })

  test('of other users in the same process believe nothing that is not about their own storage', async () => {
    const [one, two] = [await server.signUp(), await server.signUp()]
    const mine = openTabs(1).tabs[0] ?? fail()
    const theirs = openTabs(1).tabs[0] ?? fail()
    await mine.session.login(one)
    await theirs.session.login(two)
    await theirs.session.refresh()
    await pause(50)
    expect(mine.session.user?.id).toBe(one.userId)
    await theirs.session.logout()
    await pause(50)
    expect(mine.session.state.status).toBe('signedIn')
    expect(mine.onSignedOut).not.toHaveBeenCalled()
  })

  test('do not take away what the user proved in one of them', async () => {
    const account = await server.signUp()
    const { tabs } = openTabs(2)
    const [first, second] = tabs
    await first?.session.login(account)
    await until(() => tabs.every(({ session }) => session.user))
    await first?.session.reauthenticate(account.password)
    const proved = await first?.session.headers()
    await second?.session.refresh()
    await pause(50)
    expect(await first?.session.headers()).toEqual(proved)
  })
})

function fail(): never {
  throw new Error('There is no such tab.')
}
