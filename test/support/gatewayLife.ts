import { expect } from '@jest/globals'
import { IDBFactory } from 'fake-indexeddb'
import { createSession, type Session } from '../../src/client/index.ts'
import { ask, createCookieJar, createNetwork } from '../client/support.ts'
import type { Client } from './client.ts'
import type { TestPostgres } from './postgres.js'
import { query } from './sql.ts'
import { until } from './until.ts'

/** The origin of the page that uses the gateway by cookies (ANNUL_ALLOWED_ORIGINS). */
export const pageOrigin = 'https://shop.example'

interface RunningGateway extends Client {
  readonly databaseUrl: string
  readonly url: string
}

const everything = '{ me { id email orders { item } reviews { text } } shop }'

/** What `annul/client` meets behind a gateway: both modes, changes of access, kills and an outage. @param postgres Annul's own */
export async function expectGatewayLife(gateway: RunningGateway, postgres: TestPostgres): Promise<void> {
  const endpoint = `${gateway.url}/graphql`
  const open: Session[] = []
  const openSession = (fetch: typeof globalThis.fetch, options: object = {}) => {
    const session = createSession({ endpoint, fetch, retryMs: 6000, ...options })
    open.push(session)
    return session
  }
  try {
    const account = await gateway.signUp()
    const network = createNetwork()
    const session = openSession(network.fetch, { storage: new Map() })
    await session.login(account)
    const reads = async (data: object) =>
      expect(await ask(session, endpoint, everything)).toMatchObject({ status: 200, data })
    await reads({
      me: { id: account.userId, orders: [], reviews: [{ text: 'Keeps the rain off.' }] },
      shop: 'Umbrellas',
    })
    const order = 'mutation { order(item: "umbrella") { item user { email } } }'
    expect(await ask(session, endpoint, order)).toMatchObject({
      data: { order: { item: 'umbrella', user: { email: account.email } } },
    })
    await session.refresh()
    await reads({ me: { orders: [{ item: 'umbrella' }] } })

    // Another one is an admin, and changes what the first may: one refresh, and the request is answered.
    const admin = await gateway.signUp()
    await query(gateway.databaseUrl, `update annul.users set roles = '{admin}' where id = '${admin.userId}'`)
    const { accessToken: token } = await gateway.login(admin)
    const change = `mutation { setUserAccess(id: "${account.userId}", roles: ["clerk"]) { roles } }`
    expect((await gateway.send(change, { token })).data).toEqual({ setUserAccess: { roles: ['clerk'] } })
    const refreshes = network.sentWith('refresh(').length
    expect(await ask(session, endpoint, '{ me { roles orders { item } } }')).toMatchObject({
      status: 200,
      data: { me: { roles: ['clerk'], orders: [{ item: 'umbrella' }] } },
    })
    expect(network.sentWith('refresh(')).toHaveLength(refreshes + 1)
    const foreign = await gateway.send(`{ user(id: "${account.userId}") { id orders { item } } }`, { token })
    expect([foreign.data, foreign.code]).toEqual([
      { user: { id: account.userId, orders: null } },
      'FORBIDDEN',
    ])

    await expectCookieLife(openSession, gateway, endpoint, account)
    await expectOutage(gateway, postgres, session, endpoint)

    // Dead when the mutation has returned, at every service.
    const stolen = (await session.headers()).authorization?.slice(7) ?? ''
    expect(
      (await gateway.send(`mutation { blockUser(id: "${account.userId}") { id } }`, { token })).errors,
    ).toBeUndefined()
    for (const operation of [everything, order, '{ shop }']) {
      const late = await gateway.send(operation, { token: stolen })
      expect([late.status, late.reason]).toEqual([401, 'USER_BLOCKED'])
      expect(late.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
    expect((await gateway.send('{ shop }')).data).toEqual({ shop: 'Umbrellas' })
  } finally {
    for (const session of open) session.close()
  }
}

/** A page: the refresh token is in a cookie that only Annul is sent. */
async function expectCookieLife(
  openSession: (fetch: typeof globalThis.fetch, options: object) => Session,
  gateway: RunningGateway,
  endpoint: string,
  account: { email: string; password: string; userId: string },
): Promise<void> {
  const jar = createCookieJar(pageOrigin)
  // What a page has and Node has not.
  const page = globalThis as { document?: unknown; location?: unknown; indexedDB?: unknown }
  page.indexedDB = new IDBFactory()
  page.location = new URL('/app', gateway.url)
  page.document = {
    get cookie() {
      return jar.readable()
    },
  }
  const session = openSession(jar.fetch, { storage: 'cookie' })
  await session.login(account)
  expect([...jar.values.keys()].sort()).toEqual([
    '__Host-annul-device',
    '__Host-annul-refresh',
    '__Host-annul-session',
  ])
  await session.refresh()
  expect(await ask(session, endpoint, '{ me { id } }')).toMatchObject({
    data: { me: { id: account.userId } },
  })
  await session.logout()
  expect([...jar.values.keys()]).toEqual(['__Host-annul-device'])
  session.close()
  delete page.document
  delete page.location
  delete page.indexedDB
  const anywhere = await gateway.send('mutation { refresh { tokenType } }', {
    headers: { origin: 'https://evil.example' },
  })
  expect(anywhere.reason).toBe('TOKEN_MISSING')
}

/** While Annul's database is stopped: 503 to everybody, nobody is signed out, and afterwards all is as before. */
async function expectOutage(
  gateway: RunningGateway,
  postgres: TestPostgres,
  session: Session,
  endpoint: string,
): Promise<void> {
  const { authorization } = await session.headers()
  const token = authorization?.slice(7) ?? ''
  await postgres.halt()
  // What memory knows it may say for the length of a lease.
  const answer = await until(
    () => gateway.send('{ me { id } }', { token }),
    ({ code }) => code !== undefined,
  )
  expect([answer.status, answer.code, answer.headers.get('retry-after')]).toEqual([503, 'UNAVAILABLE', '1'])
  await postgres.start()
  const back = () => ask(session, endpoint, '{ me { email } }')
  await until(back, ({ status }) => status === 200)
  expect(session.state.status).toBe('signedIn')
}
