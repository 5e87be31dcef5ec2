import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { claimsOf, must } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { openFormerSystem } from '../support/formerSystem.ts'
import { makeAdmin, startTestServer, useSecondNode, useServer } from '../support/server.ts'
import { createLoggedDatabase } from '../support/statements.ts'
import { until } from '../support/until.ts'
import { introspect, makeService, post, type TestService } from './support.ts'

const server = useServer({ app: { claims: () => ({ plan: 'gold', active: false, token_type: 'x' }) } })
const secondNode = useSecondNode(server)
let service: TestService
beforeAll(async () => {
  service = await makeService(server, 'introspect')
})
const ask = (token: string) => introspect(server, service, token)
const inactive = (reason: string) => ({ status: 200, body: { active: false, annul_reason: reason } })

describe('an access token', () => {
  it('that lives is active, with its claims and the app’s own, which can not say anything about it', async () => {
    const { accessToken } = await server.signUp()
    const answer = await ask(accessToken)
    expect(answer).toMatchObject({ status: 200 })
    expect(answer.body).toEqual({
      ...claimsOf(accessToken),
      plan: 'gold',
      active: true,
      token_type: 'Bearer',
    })
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('is inactive at once when a revoking mutation has returned, on every node, with the reason', async () => {
    const { accessToken, refreshToken } = await server.signUp()
    expect((await ask(accessToken)).body).toMatchObject({ active: true })
    await server.send('mutation { logout }', { token: accessToken })
    for (const node of [server, secondNode])
      for (const token of [accessToken, refreshToken])
        expect(await introspect(node, service, token)).toMatchObject(inactive('LOGGED_OUT'))
  })

  it('is judged by the rows, and not by what the node remembers', async () => {
    const { accessToken, session } = await server.signUp()
    expect((await server.send('{ me { id } }', { token: accessToken })).errors).toBeUndefined()
    // As if another node had committed it, and this one had not heard of it.
    await server.rows(
      sql`update annul.sessions set ended_at = now(), end_reason = 'SESSION_REVOKED' where id = ${session.id}`,
    )
    expect((await server.send('{ me { id } }', { token: accessToken })).errors).toBeUndefined()
    expect(await ask(accessToken)).toMatchObject(inactive('SESSION_REVOKED'))
  })

  it('whose roles changed is to be refreshed, and its refresh token is active', async () => {
    const admin = await server.signUp()
    await makeAdmin(server, admin.email)
    const { accessToken: token } = await server.login(admin)
    const account = await server.signUp()
    await server.send('mutation ($id: ID!) { setUserAccess(id: $id, roles: ["ops"]) { id } }', {
      ...{ token, variables: { id: account.userId } },
    })
    expect(await ask(account.accessToken)).toMatchObject(inactive('ACCESS_CHANGED'))
    expect((await ask(account.refreshToken)).body).toMatchObject({ active: true })
  })

  it('whose signing key was revoked is inactive', async () => {
    const { accessToken } = await server.signUp()
    await server.rows(sql`update annul.signing_keys set revoked_at = now()`)
    try {
      expect(await ask(accessToken)).toMatchObject(inactive('KEY_REVOKED'))
    } finally {
      await server.rows(sql`update annul.signing_keys set revoked_at = null`)
    }
  })

  it.each([
    ['a text', 'x'],
    ['a forged token', 'eyJhbGciOiJub25lIn0.e30.'],
    ['a refresh token of another server', `annul_rt_${'A'.repeat(75)}`],
    ['a secret of a service', `annul_sv_${'A'.repeat(43)}`],
    ['a long text', 'x'.repeat(16_000)],
    ['another alphabet', 'жетон\u0000'],
  ])('that is %s is inactive, and nothing more is said', async (_, token) => {
    const answer = await ask(token)
    expect(answer).toMatchObject({ status: 200 })
    expect(answer.body).toEqual({ active: false, annul_reason: 'TOKEN_INVALID' })
  })
})

describe('an expired access token', () => {
  const shortLived = useServer({ config: { accessTokenSeconds: 1 } })
  it('is inactive with TOKEN_EXPIRED', async () => {
    const { accessToken } = await shortLived.signUp()
    const reader = await makeService(shortLived, 'introspect')
    const { body } = await until(
      () => introspect(shortLived, reader, accessToken),
      answer => answer.body?.active === false,
    )
    expect(body).toEqual({ active: false, annul_reason: 'TOKEN_EXPIRED' })
  })
})

describe('a refresh token', () => {
  it('is active without scope and roles, and with the server as its audience', async () => {
    const { refreshToken, userId, session } = await server.signUp()
    const { body } = await ask(refreshToken)
    expect(body).toEqual({
      ...{ active: true, token_type: 'refresh_token', iss: 'annul', aud: 'annul', client_id: 'annul' },
      ...{ sub: userId, sid: session.id, iat: expect.any(Number), auth_time: expect.any(Number) },
      amr: ['pwd'],
      exp: Math.floor(Date.parse(session.expiresAt) / 1000),
    })
  })

  it('tells how its session was opened, as the session’s access tokens do', async () => {
    const { refreshToken, session } = await server.signUp()
    await server.rows(sql`update annul.sessions set amr = '{swk,user,mfa}' where id = ${session.id}`)
    expect((await ask(refreshToken)).body).toMatchObject({ amr: ['swk', 'user', 'mfa'] })
    const { accessToken } = must(await server.refresh(refreshToken)).refresh
    expect((await ask(accessToken)).body).toMatchObject({ amr: ['swk', 'user', 'mfa'] })
  })

  it('that was followed by the next is inactive, and to ask about it is no theft', async () => {
    const { refreshToken } = await server.signUp()
    const next = (await server.refresh(refreshToken)).data?.refresh.refreshToken ?? ''
    expect(await ask(refreshToken)).toMatchObject(inactive('TOKEN_STALE'))
    expect((await ask(next)).body).toMatchObject({ active: true })
    expect((await server.refresh(next)).errors).toBeUndefined()
  })

  it('whose session is over is inactive with the reason', async () => {
    const { refreshToken, session } = await server.signUp()
    await server.rows(sql`update annul.sessions set idle_expires_at = now() where id = ${session.id}`)
    expect(await ask(refreshToken)).toMatchObject(inactive('SESSION_EXPIRED'))
    await server.rows(sql`delete from annul.sessions where id = ${session.id}`)
    expect(await ask(refreshToken)).toMatchObject(inactive('SESSION_EXPIRED'))
  })
})

describe('a token of the system before Annul', () => {
  const system = openFormerSystem('ES256')
  const withFormer = useServer()
  beforeAll(() => withFormer.auth.accept(system.options))

  it('is active with the user’s roles and without a session, and dies with the kills of its user', async () => {
    const { userId, accessToken } = await withFormer.signUp()
    const now = Math.floor(Date.now() / 1000)
    const claims = { ...system.claims(now), sub: userId }
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${part(system.header)}.${part(claims)}`
    const token = `${input}.${Buffer.from(system.signer(input)).toString('base64url')}`
    const reader = await makeService(withFormer, 'introspect', 'revoke')
    const { body } = await introspect(withFormer, reader, token)
    expect(body).toMatchObject({ active: true, token_type: 'Bearer', sub: userId, roles: [], scope: '' })
    expect(body).not.toHaveProperty('sid')
    // It has no session that could be ended.
    const { secret } = reader
    const refusal = await post(withFormer, '/oauth/revoke', { token }, { authorization: `Bearer ${secret}` })
    expect(refusal).toMatchObject({ status: 400, body: { error: 'unsupported_token_type' } })
    await withFormer.send('mutation { revokeSessions }', { token: accessToken })
    expect(await introspect(withFormer, reader, token)).toMatchObject(inactive('SESSIONS_REVOKED'))
  })
})

const describePostgres = onPostgres ? describe : describe.skip
describePostgres('50 introspections at once', () => {
  it('are few statements, and all are answered', async () => {
    const database = await createLoggedDatabase()
    const node = await startTestServer({ database })
    try {
      const accounts = [await node.signUp(), await node.signUp()]
      const reader = await makeService(node, 'introspect')
      await database.statements()
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          introspect(node, reader, accounts[index % 2]?.accessToken ?? ''),
        ),
      )
      expect(answers.map(({ body }) => body?.active)).toEqual(Array(50).fill(true))
      const statements = (await database.statements()).filter(text =>
        /service_secrets|signing_keys k/.test(text),
      )
      // One for the secret and at least one for the tokens. Requests arrive over some turns of the event loop.
      expect(statements.length).toBeGreaterThanOrEqual(2)
      expect(statements.length).toBeLessThan(25)
    } finally {
      await node.close()
      await database.close()
    }
  })
})
