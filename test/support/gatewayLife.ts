import { expect } from '@jest/globals'
import { createSession, type Session } from '../../src/client/index.ts'
import { ask, createNetwork, type Network } from '../client/support.ts'
import type { Account, Client, TokensAnswer } from './client.ts'
import { expectCookieMode, pageOrigin } from './gatewayCookies.ts'
import { expectExtensions, expectInventedHeaders, expectLimits, expectSubscriptions } from './gatewayParts.ts'
import type { TestPostgres } from './postgres.js'
import { query } from './sql.ts'
import { until } from './until.ts'

export { pageOrigin }

/** A kind of gateway, as docs/gateways.md has a column for it. */
export const gateways = {
  'stitching, Apollo Server': { reviews: true, subscriptions: false },
  'stitching, Yoga': { reviews: true, subscriptions: true },
  '@apollo/gateway': { reviews: false, subscriptions: false },
  'Hive Gateway': { reviews: false, subscriptions: true },
} as const
export type GatewayKind = keyof typeof gateways

export interface RunningGateway extends Client {
  readonly kind: GatewayKind
  readonly databaseUrl: string
  /** Annul's own database, which is stopped and started. */
  readonly postgres: TestPostgres
  readonly url: string
  /** The service `orders` itself. */
  readonly orders: Client
}

/** What a life behind a gateway has made so far. */
export interface Life {
  readonly gateway: RunningGateway
  readonly account: Account & TokensAnswer
  /** The access token of an admin. */
  admin: string
  /** Of `annul/client`, signed in by a bearer token. */
  readonly session: Session
  readonly network: Network
  openSession(fetch: typeof globalThis.fetch, options?: object): Session
}

const order = 'mutation { order(item: "umbrella") { item user { email } } }'

/** The rows of the table in docs/gateways.md, in the order in which a life meets them. */
export const rows: Readonly<Record<string, (life: Life) => Promise<void>>> = {
  login: expectLogin,
  'cookie mode, Set-Cookie': expectCookieMode,
  refresh: expectRefresh,
  ACCESS_CHANGED: expectAccessChanged,
  'invented identity headers': expectInventedHeaders,
  'status 503, an outage': expectOutage,
  'extensions.annul': expectExtensions,
  subscriptions: expectSubscriptions,
  'revocation, status 401': expectRevocation,
  'status 429': expectLimits,
}

/** What `annul/client` meets behind a gateway, row by row. */
export async function expectGatewayLife(gateway: RunningGateway): Promise<void> {
  const open: Session[] = []
  const openSession: Life['openSession'] = (fetch, options = {}) => {
    const endpoint = `${gateway.url}/graphql`
    const session = createSession({ endpoint, fetch, retryMs: 6000, ...options })
    open.push(session)
    return session
  }
  try {
    const account = await gateway.signUp()
    const network = createNetwork()
    const session = openSession(network.fetch, { storage: new Map() })
    const life: Life = { gateway, account, admin: '', session, network, openSession }
    for (const expectRow of Object.values(rows)) await expectRow(life)
  } finally {
    for (const session of open) session.close()
  }
}

const endpointOf = ({ gateway }: Life) => `${gateway.url}/graphql`
const everythingOf = ({ gateway }: Life) =>
  `{ me { id email orders { item } ${gateways[gateway.kind].reviews ? 'reviews { text }' : ''} } shop }`

async function expectLogin(life: Life): Promise<void> {
  const { session, account, gateway } = life
  await session.login(account)
  const reviews = gateways[gateway.kind].reviews && { reviews: [{ text: 'Keeps the rain off.' }] }
  expect(await ask(session, endpointOf(life), everythingOf(life))).toMatchObject({
    status: 200,
    data: { me: { id: account.userId, orders: [], ...reviews }, shop: 'Umbrellas' },
  })
  expect(await ask(session, endpointOf(life), order)).toMatchObject({
    data: { order: { item: 'umbrella', user: { email: account.email } } },
  })
}

async function expectRefresh(life: Life): Promise<void> {
  await life.session.refresh()
  expect(await ask(life.session, endpointOf(life), everythingOf(life))).toMatchObject({
    status: 200,
    data: { me: { orders: [{ item: 'umbrella' }] } },
  })
}

/** Another one is an admin, and changes what the first may: one refresh, and the request is answered. */
async function expectAccessChanged(life: Life): Promise<void> {
  const { gateway, account, session, network } = life
  const admin = await gateway.signUp()
  await query(gateway.databaseUrl, `update annul.users set roles = '{admin}' where id = '${admin.userId}'`)
  life.admin = (await gateway.login(admin)).accessToken
  const change = `mutation { setUserAccess(id: "${account.userId}", roles: ["clerk"]) { roles } }`
  expect((await gateway.send(change, { token: life.admin })).data).toEqual({
    setUserAccess: { roles: ['clerk'] },
  })
  const refreshes = network.sentWith('refresh(').length
  expect(await ask(session, endpointOf(life), '{ me { roles orders { item } } }')).toMatchObject({
    status: 200,
    data: { me: { roles: ['clerk'], orders: [{ item: 'umbrella' }] } },
  })
  expect(network.sentWith('refresh(')).toHaveLength(refreshes + 1)
  // The service decides by the token, and not by what Annul lets an admin read.
  const foreign = await gateway.send(`{ user(id: "${account.userId}") { id orders { item } } }`, {
    token: life.admin,
  })
  expect([foreign.data, foreign.code]).toEqual([{ user: { id: account.userId, orders: null } }, 'FORBIDDEN'])
}

/** While Annul's database is stopped: 503 to everybody, nobody is signed out, and afterwards all is as before. */
async function expectOutage(life: Life): Promise<void> {
  const { gateway, session } = life
  const token = await tokenOf(life)
  await gateway.postgres.halt()
  // What memory knows it may say for the length of a lease.
  const answer = await until(
    () => gateway.send('{ me { id } }', { token }),
    ({ code }) => code !== undefined,
  )
  expect([answer.status, answer.code, answer.headers.get('retry-after')]).toEqual([503, 'UNAVAILABLE', '1'])
  await gateway.postgres.start()
  const back = () => ask(session, endpointOf(life), '{ me { email } }')
  await until(back, ({ status }) => status === 200)
  expect(session.state.status).toBe('signedIn')
}

/** Dead when the mutation has returned: at the gateway, and at the service itself. */
async function expectRevocation(life: Life): Promise<void> {
  const { gateway, account } = life
  const stolen = await tokenOf(life)
  const direct = 'mutation { order(item: "boots") { item } }'
  expect((await gateway.orders.send(direct, { token: stolen })).errors).toBeUndefined()
  const block = `mutation { blockUser(id: "${account.userId}") { id } }`
  expect((await gateway.send(block, { token: life.admin })).errors).toBeUndefined()
  for (const operation of [everythingOf(life), order, '{ shop }']) {
    const late = await gateway.send(operation, { token: stolen })
    expect([late.status, late.reason]).toEqual([401, 'USER_BLOCKED'])
    expect(late.headers.get('www-authenticate')).toContain('error="invalid_token"')
  }
  expect((await gateway.orders.send(direct, { token: stolen })).reason).toBe('USER_BLOCKED')
  expect((await gateway.send('{ shop }')).data).toEqual({ shop: 'Umbrellas' })
}

async function tokenOf({ session }: Life): Promise<string> {
  return (await session.headers()).authorization?.slice('Bearer '.length) ?? ''
}
