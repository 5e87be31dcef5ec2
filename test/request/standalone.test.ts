import { randomBytes } from 'node:crypto'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { afterEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { openAuth, withoutInsides } from '../../src/auth.ts'
import { readConfig } from '../../src/config.ts'
import { rows } from '../../src/database/open.ts'
import type { GraphQLContext } from '../../src/request/context.ts'
import type { RequestLike } from '../../src/request/message.ts'
import { bindAddress } from '../../src/tokens/binding.ts'
import { createClient, type TokensAnswer, tokenFields } from '../support/client.ts'
import { createDatabase } from '../support/database.ts'

/* An app's own Apollo Server, whose requests have no `ip`. */

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

interface StandaloneOptions {
  readonly trustedProxies?: string
  /** What the app hands to `context` of a request. */
  readonly hand?: (request: RequestLike) => RequestLike
}

async function startStandalone({ trustedProxies = '', hand = request => request }: StandaloneOptions = {}) {
  const { env } = await createDatabase()
  const secret = randomBytes(32).toString('base64')
  const settings = { ANNUL_SECRET: secret, ANNUL_BIND: 'ip', ANNUL_TRUSTED_PROXIES: trustedProxies, ...env }
  const errors: { err?: Error; id?: string }[] = []
  const log = { info() {}, warn() {}, error: (details: object) => errors.push(details) }
  const opened = await openAuth(readConfig(settings), log)
  const auth = withoutInsides(opened)
  const apollo = new ApolloServer<GraphQLContext>({
    schema: auth.schema(),
    ...auth.apollo(),
    stopOnTerminationSignals: false,
  })
  const { url } = await startStandaloneServer(apollo, {
    listen: { host: '127.0.0.1', port: 0 },
    context: async ({ req, res }) => auth.context(hand(req), res),
  })
  closing.push(async () => {
    await apollo.stop()
    await auth.close()
  })
  const { db } = opened.parts
  const everything = () =>
    rows(
      db,
      sql`select (select jsonb_agg(to_jsonb(s)) from annul.sessions s) as sessions,
        (select jsonb_agg(to_jsonb(u)) from annul.users u) as users,
        (select count(*) from annul.audit_events) as events`,
    )
  const client = createClient(new URL(url).origin)
  return {
    ...client,
    errors,
    everything,
    rows: (statement: Parameters<typeof rows>[1]) => rows(db, statement),
  }
}

const bindingOf = (accessToken: string) =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).cnf?.binding

const loginWith = `mutation ($input: LoginInput!) { login(input: $input) { ${tokenFields} } }`

describe('ANNUL_BIND=ip on a standalone Apollo Server', () => {
  it('binds to the address of the connection, and no header moves it', async () => {
    const server = await startStandalone()
    const { accessToken, userId, email, password, session } = await server.signUp()
    expect(bindingOf(accessToken)).toBe(bindAddress('127.0.0.1'))
    const claim = {
      'x-forwarded-for': '203.0.113.7',
      'x-real-ip': '203.0.113.7',
      forwarded: 'for=203.0.113.7',
    }
    const { data } = await server.send('{ me { id } }', { token: accessToken, headers: claim })
    expect(data).toEqual({ me: { id: userId } })

    const variables = { input: { email, password } }
    const login = await server.send<{ login: TokensAnswer }>(loginWith, { variables, headers: claim })
    expect(bindingOf(login.data?.login.accessToken ?? '')).toBe(bindAddress('127.0.0.1'))
    const stored = sql`select host(ip_address) as address from annul.sessions where id in
      (${session.id}, ${login.data?.login.session.id})`
    expect(await server.rows(stored)).toEqual([{ address: '127.0.0.1' }, { address: '127.0.0.1' }])
  })

  it('believes a trusted proxy, and of it only what it says itself', async () => {
    const server = await startStandalone({ trustedProxies: '127.0.0.0/8' })
    const { email, password, userId } = await server.signUp()
    const headers = { 'x-forwarded-for': '198.51.100.66, 203.0.113.7' }
    const login = await server.send<{ login: TokensAnswer }>(loginWith, {
      variables: { input: { email, password } },
      headers,
    })
    const token = login.data?.login.accessToken ?? ''
    expect(bindingOf(token)).toBe(bindAddress('203.0.113.7'))
    expect((await server.send('{ me { id } }', { token, headers })).data).toEqual({ me: { id: userId } })
    for (const elsewhere of ['203.0.113.7, 198.51.100.66', '198.51.100.66', '']) {
      const answer = await server.send('{ me { id } }', { token, headers: { 'x-forwarded-for': elsewhere } })
      expect({ status: answer.status, reason: answer.reason }).toEqual({
        status: 401,
        reason: 'TOKEN_EXPIRED',
      })
    }
  })

  it('issues nothing, accepts nothing and writes nothing where the address is not known', async () => {
    let isKnown = true
    const hand = (request: RequestLike) => (isKnown ? request : { headers: request.headers })
    const server = await startStandalone({ hand })
    const { email, password, accessToken, refreshToken } = await server.signUp()
    const before = await server.everything()

    isKnown = false
    const input = { email: 'eve@example.com', password: 'a password of eve' }
    const answers = [
      await server.send('mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }', {
        variables: { input },
      }),
      await server.send(loginWith, { variables: { input: { email, password } } }),
      await server.send(loginWith, { variables: { input: { email, password: 'not the password' } } }),
      await server.refresh(refreshToken),
    ]
    for (const [at, { status, data, errors }] of answers.entries())
      expect({ status, data, errors }).toEqual({
        status: 200,
        // `register` may be null.
        data: at === 0 ? { register: null } : null,
        errors: [
          {
            message: 'Something went wrong on the server.',
            path: expect.any(Array),
            locations: expect.any(Array),
            extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) },
          },
        ],
      })
    const me = await server.send('{ me { id } }', { token: accessToken })
    expect({ status: me.status, reason: me.reason }).toEqual({ status: 401, reason: 'TOKEN_EXPIRED' })
    expect(await server.everything()).toEqual(before)
    // The operator reads what is wrong.
    expect(server.errors.map(({ id }) => id)).toEqual(answers.map(({ errors }) => errors?.[0]?.extensions.id))
    for (const { err } of server.errors)
      expect(err?.message).toMatch(/^With ANNUL_BIND=ip no access token is issued to a client whose address/)

    isKnown = true
    expect((await server.refresh(refreshToken)).data?.refresh.accessToken).toEqual(expect.any(String))
  })
})
