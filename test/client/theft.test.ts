import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { IDBFactory } from 'fake-indexeddb'
import type { Session, SessionOptions, SignedOutReason } from '../../src/client/index.ts'
import { openRandom, type Random } from '../proof/chaos/random.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import {
  ask,
  type ClientServer,
  createCookieJar,
  createNetwork,
  openSession,
  pause,
  startClientServer,
  until,
} from './support.ts'

/*
 * One tab hears of a theft, and the others look where the token was before its message comes. The test decides when
 * messages come and how long each look into the storage takes.
 */

const page = globalThis as {
  document?: unknown
  location?: unknown
  indexedDB?: unknown
  BroadcastChannel: unknown
}
const refreshCookie = '__Host-annul-refresh'
const tabCount = 5

let server: ClientServer
let account: Account & TokensAnswer
beforeAll(async () => {
  server = await startClientServer()
  account = await server.signUp()
})
afterAll(() => server.close())

/** A BroadcastChannel whose messages wait while the test holds them. */
class HeldChannel {
  static isHeld = false
  static readonly #open = new Set<HeldChannel>()
  static #waiting: (() => void)[] = []
  onmessage: ((event: { data: unknown }) => void) | null = null
  readonly #name: string

  constructor(name: string) {
    this.#name = name
    HeldChannel.#open.add(this)
  }

  postMessage(message: unknown): void {
    const data = structuredClone(message)
    const deliver = () => {
      for (const other of HeldChannel.#open)
        if (other !== this && other.#name === this.#name) other.onmessage?.({ data })
    }
    if (HeldChannel.isHeld) HeldChannel.#waiting.push(deliver)
    else setTimeout(deliver, 0)
  }

  close(): void {
    HeldChannel.#open.delete(this)
  }

  /** The latest first: between two senders no order is promised. */
  static release(): void {
    HeldChannel.isHeld = false
    for (const deliver of HeldChannel.#waiting.splice(0).reverse()) deliver()
  }
}

const { BroadcastChannel } = globalThis
beforeEach(() => {
  page.BroadcastChannel = HeldChannel
})
afterEach(() => {
  HeldChannel.release()
  page.BroadcastChannel = BroadcastChannel
  delete page.document
  delete page.location
  delete page.indexedDB
})

interface Tab {
  readonly session: Session
  /** What the app of this tab was told. */
  readonly told: SignedOutReason[]
}

interface Browser {
  readonly tabs: readonly Tab[]
  /** What a thief would copy. */
  refreshToken(): string
  /** One more tab. */
  open(): Tab
}

function openTabs(
  refreshToken: () => string,
  optionsOf: (index: number) => Omit<SessionOptions, 'endpoint'>,
) {
  const open = (index = 0): Tab => {
    const told: SignedOutReason[] = []
    const onSignedOut = (reason: SignedOutReason) => void told.push(reason)
    return {
      session: openSession({ endpoint: server.endpoint, ...optionsOf(index), onSignedOut }),
      told,
    }
  }
  const tabs = Array.from({ length: tabCount }, (_, index) => open(index))
  return { tabs, refreshToken, open }
}

/** Tabs of one origin: each has a localStorage of its own making on the same values, which shares no lock. */
function withStorages(random: Random): Browser {
  const values = new Map<string, string>()
  const later = async <T>(work: () => T) => {
    // So that looks of several tabs come in every order.
    for (let turns = random.below(4); turns > 0; turns--) await new Promise(setImmediate)
    return work()
  }
  const slow = () => ({
    getItem: (key: string) => later(() => values.get(key) ?? null),
    setItem: (key: string, value: string) => later(() => void values.set(key, value)),
    removeItem: (key: string) => later(() => void values.delete(key)),
  })
  return openTabs(
    () => values.get('annul.token') ?? '',
    () => ({ storage: slow() }),
  )
}

/** Sessions of one process on one storage: one after the other. */
function withOneStorage(): Browser {
  const storage = new Map<string, string>()
  return openTabs(
    () => storage.get('annul.token') ?? '',
    () => ({ storage }),
  )
}

function withCookies(): Browser {
  const jar = createCookieJar(server.url)
  page.indexedDB = new IDBFactory()
  page.location = new URL('/app', server.url)
  page.document = {
    get cookie() {
      return jar.readable()
    },
  }
  return openTabs(
    () => jar.values.get(refreshCookie)?.value ?? '',
    () => ({ fetch: createNetwork(jar).fetch }),
  )
}

/** Signed in in every tab, and somebody else has used a copy of the token. No message comes until the test says so. */
async function beStolenFrom({ tabs, refreshToken }: Browser): Promise<void> {
  await tabs[0]?.session.login(account)
  await until(() => tabs.every(({ session }) => session.state.status === 'signedIn'))
  for (const { told } of tabs) told.length = 0
  HeldChannel.isHeld = true
  const { data } = await server.refresh(refreshToken(), 'thief'.repeat(5))
  expect(data?.refresh.accessToken).toMatch(/^ey/)
}

/** What every tab has told its app, also when all messages have come. */
async function allTold({ tabs }: Browser): Promise<SignedOutReason[][]> {
  HeldChannel.release()
  await until(() => tabs.every(({ session }) => session.state.status === 'signedOut'))
  for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate)
  expect(tabs.map(({ session }) => session.state.reason)).toEqual(tabs.map(({ told }) => told[0]))
  return tabs.map(({ told }) => [...told])
}

const everyTab = (reason: SignedOutReason) => Array(tabCount).fill([reason])
const openBrowsers: [string, (random: Random) => Browser][] = [
  ['a storage that tabs share', withStorages],
  ['a storage that sessions of one process share', withOneStorage],
  ['cookie mode', withCookies],
]

/** THEFT_ROUNDS=1000 is the long proof. */
const rounds = Number(process.env.THEFT_ROUNDS ?? 60)

describe.each(openBrowsers)('a theft is told as a theft in every tab, over %s', (_kind, openBrowser) => {
  test(`in ${rounds} rounds in which the others look before the message of the first comes`, async () => {
    const random = openRandom(20_261_125)
    const browser = openBrowser(random)
    for (let round = 0; round < rounds; round++) {
      await beStolenFrom(browser)
      const order = [...browser.tabs]
      const first = order.splice(random.below(tabCount), 1)
      // In every other round all go at once, and who is the first is the storage's or the network's affair.
      const waves = round % 2 ? [first, order] : [[...first, ...order]]
      for (const wave of waves) await Promise.all(wave.map(({ session }) => session.refresh()))
      expect({ round, told: await allTold(browser) }).toEqual({ round, told: everyTab('REFRESH_REUSED') })
    }
  }, 300_000)

  test('also where a tab logs out before the message comes: only that one tells what its user did', async () => {
    const browser = openBrowser(openRandom(1))
    await beStolenFrom(browser)
    const [first, leaving, ...others] = browser.tabs
    await first?.session.refresh()
    await leaving?.session.logout()
    await others[0]?.session.refresh()
    const told = await allTold(browser)
    const [theft, logout] = [['REFRESH_REUSED'], ['LOGGED_OUT']]
    expect(told).toEqual([theft, logout, theft, theft, theft])
  })

  test('and only there: a tab that starts later is signed out without a reason, and may sign in', async () => {
    const browser = openBrowser(openRandom(2))
    await beStolenFrom(browser)
    await browser.tabs[0]?.session.refresh()
    const later = browser.open()
    await expect(later.session.ready).resolves.toEqual({ status: 'signedOut', user: null, reason: null })
    expect(later.told).toEqual([])
    HeldChannel.release()
    await later.session.login(account)
    await expect(ask(later.session, server.endpoint, '{ secret }')).resolves.toMatchObject({
      data: { secret: 'secret' },
    })
    const reloaded = browser.open()
    await expect(reloaded.session.ready).resolves.toMatchObject({ status: 'signedIn' })
  })

  test('and is not told to a tab of a session that has taken the place of the ended one', async () => {
    const browser = openBrowser(openRandom(3))
    await beStolenFrom(browser)
    await browser.tabs[0]?.session.refresh()
    await browser.tabs[0]?.session.login(account)
    for (const { session } of browser.tabs) await session.refresh()
    HeldChannel.release()
    await pause(50)
    expect(browser.tabs.map(({ session }) => session.state.status)).toEqual(Array(tabCount).fill('signedIn'))
  })

  test('and is not told in a tab that still shows an earlier session than the one that was stolen', async () => {
    const browser = openBrowser(openRandom(5))
    const [first, behind] = browser.tabs
    await first?.session.login(account)
    await until(() => browser.tabs.every(({ session }) => session.user))
    HeldChannel.isHeld = true
    await first?.session.login(account)
    await server.refresh(browser.refreshToken(), 'thief'.repeat(5))
    await first?.session.refresh()
    await behind?.session.refresh()
    expect([first?.told, behind?.told]).toEqual([['REFRESH_REUSED'], ['LOGGED_OUT']])
  })

  test('as is a log-out by the server for another reason', async () => {
    const browser = openBrowser(openRandom(4))
    await browser.tabs[0]?.session.login(account)
    await until(() => browser.tabs.every(({ session }) => session.user))
    HeldChannel.isHeld = true
    await server.send('mutation { revokeSessions }', { token: (await server.login(account)).accessToken })
    for (const { session } of browser.tabs) await session.refresh()
    expect(await allTold(browser)).toEqual(everyTab('SESSIONS_REVOKED'))
  })
})
