import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { IDBFactory } from 'fake-indexeddb'
import {
  ask,
  type ClientServer,
  createCookieJar,
  createNetwork,
  openSession,
  pause,
  startClientServer,
} from './support.ts'

const page = globalThis as { document?: unknown; location?: unknown; indexedDB?: unknown }

let server: ClientServer
beforeAll(async () => {
  server = await startClientServer({ config: { accessTokenSeconds: 6 } })
})
afterAll(() => server.close())
afterEach(() => {
  delete page.document
  delete page.location
  delete page.indexedDB
})

const renewals = async () => {
  const found = await server.rows<{ count: number }>(
    sql`select count(*)::int as count from annul.sessions where renewed_at is not null`,
  )
  return found[0]?.count
}

/** Asks twice: when the access token is new, and in its last third. */
async function askTwice(options: { cookie?: boolean } = {}) {
  const jar = createCookieJar(server.url)
  if (options.cookie) {
    page.indexedDB = new IDBFactory()
    page.location = new URL('/app', server.url)
    page.document = {
      get cookie() {
        return jar.readable()
      },
    }
  }
  const network = createNetwork(options.cookie ? jar : undefined)
  const session = openSession({
    endpoint: server.endpoint,
    ...(!options.cookie && { storage: new Map<string, string>() }),
    fetch: network.fetch,
    renew: true,
  })
  await session.login(await server.signUp())
  const before = await session.headers()
  await ask(session, server.endpoint, '{ secret }')
  await pause(4300)
  await ask(session, server.endpoint, '{ secret }')
  const after = await session.headers()
  expect(network.sentWith('refresh(')).toHaveLength(0)
  const asked = network.sentWith('secret').map(({ headers }) => headers.get('annul-renew'))
  return { asked, isRenewed: before.authorization !== after.authorization }
}

describe('with `renew: true` the client', () => {
  test('proves from a storage that it holds the refresh token', async () => {
    const before = await renewals()
    const { asked, isRenewed } = await askTwice()
    expect(asked).toEqual([null, expect.stringMatching(/^[A-Za-z0-9_-]{43}$/)])
    expect([isRenewed, await renewals()]).toEqual([true, Number(before) + 1])
  })

  test('lets the cookie be the proof in cookie mode', async () => {
    const { asked, isRenewed } = await askTwice({ cookie: true })
    expect([asked, isRenewed]).toEqual([[null, '1'], true])
  })

  test('asks for nothing where there is no crypto.subtle', async () => {
    const { crypto } = globalThis
    const without = { getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes) }
    Object.defineProperty(globalThis, 'crypto', { value: without, configurable: true })
    try {
      const { asked, isRenewed } = await askTwice()
      expect([asked, isRenewed]).toEqual([[null, null], false])
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true })
    }
  })
})
