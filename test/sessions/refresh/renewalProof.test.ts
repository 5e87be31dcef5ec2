import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Account, TokensAnswer } from '../../support/client.ts'
import { onPostgres } from '../../support/database.ts'
import { openForge } from '../../support/forge.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { createLoggedDatabase } from '../../support/statements.ts'
import { createBrowser, refreshCookie } from './browser.ts'
import { claimsOf, newAttempt, refreshed, renewalProof, rotate, snapshot } from './support.ts'

/* Whoever has only an access token, a copy from a log or from memory, must not keep it alive. */

const onlyPostgres = onPostgres ? it : it.skip
const app = 'https://app.example.com'

let server: TestServer
let account: Account & TokensAnswer
beforeAll(async () => {
  server = await startTestServer({ env: { ANNUL_ALLOWED_ORIGINS: app } })
  account = await server.signUp()
})
afterAll(() => server.close())

/** The same token as it would be in its last third, and its session's last refresh as long ago. */
async function inLastThird(accessToken: string): Promise<string> {
  const { iat, exp, sid } = claimsOf(accessToken)
  await server.rows(
    sql`update annul.sessions set rotated_at = rotated_at - interval '500 s' where id = ${String(sid)}`,
  )
  return openForge(server, accessToken).make({ claims: { iat: iat - 500, exp: exp - 500 } })
}

async function openSession() {
  const tokens = await server.login(account)
  return { ...tokens, aged: await inLastThird(tokens.accessToken) }
}

/** The access token that a request brings beside its answer, which has to be right in any case. */
async function renewedBy(token: string, headers: Record<string, string>): Promise<string | undefined> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ query: '{ me { id } }' }),
  })
  const { data, extensions } = (await response.json()) as {
    data: unknown
    extensions?: { annul?: { accessToken?: string } }
  }
  expect(data).toEqual({ me: { id: claimsOf(token).sub } })
  return extensions?.annul?.accessToken
}

const prove = (refreshToken: string, token: string) => ({ 'annul-renew': renewalProof(refreshToken, token) })

/** None of them brings a token, and none of them writes anything. */
async function expectIgnored(sessionId: string, token: string, headers: Record<string, string>[]) {
  const before = await snapshot(server, sessionId)
  for (const sent of headers) expect(await renewedBy(token, sent)).toBeUndefined()
  expect(await snapshot(server, sessionId)).toEqual(before)
}

describe('a stolen access token is not renewed', () => {
  it('by itself, whatever the header says', async () => {
    const { aged, session } = await openSession()
    const values = ['1', 'true', '', 'A'.repeat(43), aged.slice(-43), String(claimsOf(aged).jti)]
    await expectIgnored(session.id, aged, [{}, ...values.map(value => ({ 'annul-renew': value }))])
  })

  it('with the proof of another session, not even of the same user', async () => {
    const [mine, other] = [await openSession(), await openSession()]
    await expectIgnored(mine.session.id, mine.aged, [prove(other.refreshToken, mine.aged)])
  })

  it('with the proof of a refresh token that was used: a stolen one ends with the owner’s next refresh', async () => {
    const { refreshToken, session } = await server.login(account)
    const next = await refreshed(server, refreshToken, newAttempt())
    const aged = await inLastThird(next.accessToken)
    await expectIgnored(session.id, aged, [prove(refreshToken, aged)])
    expect(await renewedBy(aged, prove(next.refreshToken, aged))).toMatch(/^ey/)
  })

  it('with a proof that was made for another token of the session', async () => {
    const { aged, refreshToken, session } = await openSession()
    const renewed = (await renewedBy(aged, prove(refreshToken, aged))) ?? ''
    await server.rows(sql`update annul.sessions set renewed_at = null where id = ${session.id}`)
    const again = await inLastThird(renewed)
    expect(claimsOf(again).jti).not.toBe(claimsOf(aged).jti)
    await expectIgnored(session.id, again, [prove(refreshToken, aged)])
    expect(await renewedBy(again, prove(refreshToken, again))).toMatch(/^ey/)
  })

  it('with a proof that is cut, longer, or spelt otherwise', async () => {
    const { aged, refreshToken, session } = await openSession()
    const proof = renewalProof(refreshToken, aged)
    // The last letter carries two bits that nobody reads.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const respelt = proof.slice(0, -1) + alphabet[alphabet.indexOf(proof.slice(-1)) + 1]
    expect(Buffer.from(respelt, 'base64url')).toEqual(Buffer.from(proof, 'base64url'))
    const values = [proof.slice(1), `${proof}A`, `${proof}=`, respelt, `${proof}, ${proof}`, 'é'.repeat(43)]
    await expectIgnored(
      session.id,
      aged,
      values.map(value => ({ 'annul-renew': value })),
    )
    expect(await renewedBy(aged, { 'annul-renew': proof })).toMatch(/^ey/)
  })

  onlyPostgres('and where nothing has the form of a proof, the database is not asked', async () => {
    const database = await createLoggedDatabase()
    // A lease that outlasts any pause of a loaded machine: every request is decided from memory.
    const node = await startTestServer({ database, env: { ANNUL_LEASE_MS: '30000' } })
    try {
      const { accessToken, refreshToken } = await node.signUp()
      const { iat, exp } = claimsOf(accessToken)
      const claims = { iat: iat - 500, exp: exp - 500 }
      const aged = openForge(node, accessToken).make({ claims })
      const ask = (value: string, headers = {}) =>
        node.send('{ me { id } }', { token: aged, headers: { 'annul-renew': value, ...headers } })
      await ask('1')
      await database.statements()
      const cookie = `${refreshCookie}=${refreshToken}`
      const answers = await Promise.all([
        ...['1', 'true', 'A'.repeat(42), 'A'.repeat(44), '='.repeat(43)].map(value => ask(value)),
        ask('1', { cookie, origin: 'https://evil.example' }),
        ask('1', { cookie: `${cookie}A`, origin: node.url }),
      ])
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(await database.statements()).toEqual([])
      await ask('A'.repeat(43))
      expect(await database.statements()).not.toEqual([])
    } finally {
      await node.close()
      await database.close()
    }
  })
})

describe('in cookie mode the cookie is the proof', () => {
  async function openBrowser() {
    const browser = createBrowser(server, app)
    const { accessToken, session } = await browser.register()
    return { browser, session, aged: await inLastThird(accessToken) }
  }
  const cookieOf = (browser: { cookies: Map<string, string> }) =>
    `${refreshCookie}=${browser.cookies.get(refreshCookie)}`

  it('from an allowed origin', async () => {
    const { browser, aged } = await openBrowser()
    const headers = { 'annul-renew': '1', cookie: cookieOf(browser), origin: app }
    expect(await renewedBy(aged, headers)).toMatch(/^ey/)
  })

  it('and is not taken from a foreign origin, nor without the header', async () => {
    const { browser, session, aged } = await openBrowser()
    const cookie = cookieOf(browser)
    await expectIgnored(session.id, aged, [
      { 'annul-renew': '1', cookie, origin: 'https://evil.example' },
      { 'annul-renew': '1', cookie, origin: server.url },
      { 'annul-renew': '1', cookie },
      { 'annul-renew': '1', origin: app },
      { 'annul-renew': '1', origin: app, cookie: `${refreshCookie}=` },
      {
        'annul-renew': '1',
        origin: app,
        cookie: `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`,
      },
      { 'annul-renew': 'true', cookie, origin: app },
      { cookie, origin: app },
    ])
  })

  it('of this very session', async () => {
    const [mine, other] = [await openBrowser(), await openBrowser()]
    const headers = { 'annul-renew': '1', cookie: cookieOf(other.browser), origin: app }
    await expectIgnored(mine.session.id, mine.aged, [headers])
  })

  it('of the current generation', async () => {
    const { browser, session } = await openBrowser()
    const old = cookieOf(browser)
    const answer = await browser.refresh(browser.attempt())
    const aged = await inLastThird(String(answer.data?.refresh?.accessToken))
    await expectIgnored(session.id, aged, [{ 'annul-renew': '1', cookie: old, origin: app }])
    const headers = { 'annul-renew': '1', cookie: cookieOf(browser), origin: app }
    expect(await renewedBy(aged, headers)).toMatch(/^ey/)
  })

  it('and nothing else: the token’s proof is no script’s to make, nor is a cookie of another session’s kind', async () => {
    const { browser, session, aged } = await openBrowser()
    const refreshToken = browser.cookies.get(refreshCookie) ?? ''
    await expectIgnored(session.id, aged, [prove(refreshToken, aged)])
    const stored = await openSession()
    const cookie = `${refreshCookie}=${stored.refreshToken}`
    await expectIgnored(stored.session.id, stored.aged, [{ 'annul-renew': '1', cookie, origin: app }])
  })
})

describe('a renewal is seen', () => {
  const events = (sessionId: string) =>
    server.rows<Record<string, unknown>>(sql`
      select actor_id, user_id, session_id, ip_address, device, detail from annul.audit_events
      where kind = 'renew' and session_id = ${sessionId}`)
  const lastUsed = async (sessionId: string) =>
    Date.parse(String((await snapshot(server, sessionId)).session.last_used_at))

  it('in lastUsedAt each time, and in the audit log once for each session and day', async () => {
    const { aged, refreshToken, session } = await openSession()
    const renew = () => renewedBy(aged, prove(refreshToken, aged))
    /** As if the last renewal had been so long ago. @returns whether that is another day (UTC) */
    const renewedAgo = async (interval: string) => {
      const [row] = await server.rows<{ other: boolean }>(sql`
        update annul.sessions set renewed_at = now() - ${interval}::interval,
          last_used_at = now() - ${interval}::interval where id = ${session.id}
        returning date_trunc('day', renewed_at, 'UTC') < date_trunc('day', now(), 'UTC') as other`)
      return row?.other ? 1 : 0
    }
    await renew()
    const { userId } = account
    expect([...(await events(session.id))]).toEqual([
      {
        actor_id: userId,
        user_id: userId,
        session_id: session.id,
        ip_address: '127.0.0.1',
        device: 'node',
        detail: null,
      },
    ])

    const isOtherDay = await renewedAgo('2 minutes')
    const before = await lastUsed(session.id)
    await renew()
    expect(await lastUsed(session.id)).toBeGreaterThan(before)
    expect(await events(session.id)).toHaveLength(1 + isOtherDay)

    expect(await renewedAgo('1 day')).toBe(1)
    await renew()
    expect(await events(session.id)).toHaveLength(2 + isOtherDay)
  })

  it('once also where twenty requests ask at the same time', async () => {
    const { aged, refreshToken, session } = await openSession()
    await Promise.all(Array.from({ length: 20 }, () => renewedBy(aged, prove(refreshToken, aged))))
    expect(await events(session.id)).toHaveLength(1)
  })

  it('and a refresh that comes between makes the proof worthless', async () => {
    const { aged, refreshToken, session, ...rest } = await openSession()
    const { last } = await rotate(server, { ...rest, refreshToken, session }, 1)
    await expectIgnored(session.id, aged, [prove(refreshToken, aged), prove(last.refreshToken, aged)])
  })
})
