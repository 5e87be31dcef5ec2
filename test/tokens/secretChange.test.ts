import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { rotateKeys } from '../../src/admin/rotateKeys.ts'
import { refreshCookie } from '../sessions/refresh/browser.ts'
import { claimsOf, newAttempt, refreshed, renewalProof } from '../sessions/refresh/support.ts'
import { newPassword, requestPasswordReset, resetPassword } from '../support/account.ts'
import { must } from '../support/answers.ts'
import { createDatabase, onPostgres, type TestDatabase } from '../support/database.ts'
import { openForge } from '../support/forge.ts'
import { lastToken } from '../support/sentLinks.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

// Each round starts a node, and the machine may have other things to do.
jest.setTimeout(180_000)

const onlyPostgres = onPostgres ? it : it.skip
const newSecret = () => randomBytes(32).toString('base64')
const [former, next] = [newSecret(), newSecret()]

/** The settings of a node in each round of docs/keys.md. */
const settings = {
  old: { ANNUL_SECRET: former },
  both: { ANNUL_SECRET: former, ANNUL_SECRET_PREVIOUS: next },
  changed: { ANNUL_SECRET: next, ANNUL_SECRET_PREVIOUS: former },
  new: { ANNUL_SECRET: next },
}
type Round = keyof typeof settings

const running = new Set<TestServer>()
afterEach(async () => {
  for (const node of running) await node.close()
  running.clear()
})

async function start(database: TestDatabase, round: Round): Promise<TestServer> {
  const node = await startTestServer({ database, env: settings[round] })
  running.add(node)
  return node
}

async function restart(node: TestServer, round: Round): Promise<TestServer> {
  running.delete(node)
  await node.close()
  return start(node.database, round)
}

/** What users do on the two nodes; on the embedded database they are one. Nothing of it may fail. */
async function useBoth(
  one: TestServer,
  other: TestServer,
  travelling: { refreshToken: string },
): Promise<void> {
  const accepted = async (token: string) => {
    const { sub } = claimsOf(token)
    for (const node of [one, other])
      expect((await node.send('{ me { id } }', { token })).data).toEqual({ me: { id: sub } })
  }
  for (const node of [one, other, one]) {
    const tokens = await refreshed(node, travelling.refreshToken)
    travelling.refreshToken = tokens.refreshToken
    await accepted(tokens.accessToken)
  }
  const account = await one.signUp()
  await accepted(account.accessToken)
  const { accessToken } = await other.login(account)
  await accepted(accessToken)

  // The answer of one node is lost; the attempt is repeated at the other, and then at the first one again.
  const attempt = newAttempt()
  const answers = [
    await refreshed(one, account.refreshToken, attempt),
    await refreshed(other, account.refreshToken, attempt),
    await refreshed(one, account.refreshToken, attempt),
  ]
  expect(new Set(answers.map(({ session }) => session.id)).size).toBe(1)
  // Whichever of the texts the client kept, it is the live generation; the other text is that generation, too.
  const lives = await refreshed(other, answers[0]?.refreshToken ?? '', newAttempt())
  await accepted(lives.accessToken)

  // A stolen copy that is used after its owner's refresh, at the other node, is theft.
  const stolen = answers[1]?.refreshToken ?? ''
  expect(await one.refresh(stolen)).toMatchObject({ data: null, reason: 'REFRESH_REUSED' })
  expect(await other.refresh(lives.refreshToken)).toMatchObject({ data: null, reason: 'REFRESH_REUSED' })
}

describe('the secret', () => {
  onlyPostgres(
    'changes without a failure on two nodes that are restarted one after the other, three times',
    async () => {
      const database = await createDatabase()
      let [one, other] = [await start(database, 'old'), await start(database, 'old')]
      const travelling = await one.signUp()
      const [resting, leaving] = [await one.signUp(), await one.signUp()]
      must(await requestPasswordReset(one, leaving.email))
      const link = await lastToken(one, 'reset-password', leaving.email)
      await useBoth(one, other, travelling)

      for (const round of ['both', 'changed'] as const) {
        one = await restart(one, round)
        await useBoth(one, other, travelling)
        // A key that one node makes is read by the other.
        const kid = await rotateKeys(one.auth.parts)
        await until(async () => {
          await other.auth.parts.keys.reload()
          return other.auth.parts.keys.find(kid) !== undefined
        })
        other = await restart(other, round)
        await useBoth(one, other, travelling)
      }

      // Tokens from before the change are good until the session is idle.
      const awake = await refreshed(other, resting.refreshToken)
      expect((await resetPassword(one, link, newPassword())).data).toMatchObject({ resetPassword: {} })

      one = await restart(one, 'new')
      await useBoth(one, other, travelling)
      await useBoth(other, one, travelling)
      other = await restart(other, 'new')
      await useBoth(one, other, travelling)
      await refreshed(one, awake.refreshToken)
      // What is never refreshed in all that time is no token any more.
      expect(await one.refresh(resting.refreshToken)).toMatchObject({
        data: null,
        ...{ code: 'INVALID_REFRESH_TOKEN', reason: 'TOKEN_INVALID' },
      })
    },
  )

  it('changes in one restart where there is one node', async () => {
    let node = await start(await createDatabase(), 'old')
    const account = await node.signUp()
    const kids = node.auth.parts.keys.jwks().keys.map(({ kid }) => kid)
    node = await restart(node, 'changed')
    expect(node.auth.parts.keys.jwks().keys.map(({ kid }) => kid)).toEqual(kids)
    await useBoth(node, node, account)
    expect((await node.send('{ me { id } }', { token: account.accessToken })).status).toBe(200)
    node = await restart(node, 'new')
    await useBoth(node, node, account)
  })

  onlyPostgres('is no secret of a node that was left out of the first round', async () => {
    const database = await createDatabase()
    const left = await start(database, 'old')
    const account = await left.signUp()
    const changed = await start(database, 'changed')
    // Why the first round comes first: this client would be signed out.
    const { refreshToken, accessToken } = await refreshed(changed, account.refreshToken)
    expect(await left.refresh(refreshToken)).toMatchObject({ data: null, reason: 'TOKEN_INVALID' })
    expect((await left.send('{ me { id } }', { token: accessToken })).status).toBe(200)
    const again = await startTestServer({ database, env: settings.old }).catch(error => error)
    expect(again.message).toMatch(/^ANNUL_SECRET is not the secret/)
    // Nothing is lost by it: the token is good at every other node.
    await refreshed(changed, refreshToken)
  })

  it('that the keys were encrypted under is the present one after a start, in one transaction', async () => {
    let node = await start(await createDatabase(), 'old')
    await rotateKeys(node.auth.parts)
    const before = await node.rows(sql`select id from annul.signing_keys order by id`)
    node = await restart(node, 'changed')
    node = await restart(node, 'new')
    expect(await node.rows(sql`select id from annul.signing_keys order by id`)).toEqual(before)
    expect(node.auth.parts.keys.jwks().keys).toHaveLength(2)
  })
})

describe('a refresh token of the previous secret', () => {
  it('renews no access token: a session that is only renewed would outlive the secret', async () => {
    let node = await start(await createDatabase(), 'old')
    const account = await node.signUp()
    const { iat, exp, sid } = claimsOf(account.accessToken)
    await node.rows(
      sql`update annul.sessions set rotated_at = rotated_at - interval '500 s' where id = ${String(sid)}`,
    )
    const aged = () =>
      openForge(node, account.accessToken).make({ claims: { iat: iat - 500, exp: exp - 500 } })
    const renewed = async (headers: Record<string, string>, token = aged()) => {
      const answer = await fetch(`${node.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
        body: '{"query":"{ me { id } }"}',
      })
      return ((await answer.json()) as { extensions?: { annul?: unknown } }).extensions?.annul
    }
    const byProof = (refreshToken: string) => {
      const token = aged()
      return renewed({ 'annul-renew': renewalProof(refreshToken, token) }, token)
    }
    const byCookie = (refreshToken: string) =>
      renewed({ 'annul-renew': '1', origin: node.url, cookie: `${refreshCookie}=${refreshToken}` })
    node = await restart(node, 'changed')
    expect(await byProof(account.refreshToken)).toBeUndefined()
    // The text of the present secret is the same token.
    const { refreshTokens } = node.auth.parts
    const claims = refreshTokens.read(account.refreshToken)
    expect(claims).toMatchObject({ previous: true })
    if (typeof claims === 'string') throw new Error(claims)
    const present = refreshTokens.derive(claims)
    expect(await byProof(present)).toBeDefined()

    // And as a cookie.
    await node.rows(sql`update annul.sessions set cookie = true, renewed_at = null where id = ${String(sid)}`)
    expect(await byCookie(account.refreshToken)).toBeUndefined()
    expect(await byCookie(present)).toBeDefined()
  })
})
