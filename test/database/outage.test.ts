import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { app } from '../support/app.ts'
import type { Account, Answer, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.js'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

// The embedded database lives and dies with its node.
const describePostgres = onPostgres ? describe : describe.skip
const me = '{ me { id } }'

/** The database can't be asked: neither a log-out nor an open door. */
function expectUnavailable(answer: Answer, field: string): void {
  const { status, data, errors } = answer
  expect({ status, data, errors }).toEqual({
    status: 503,
    data: null,
    errors: [
      {
        message: 'The service cannot answer right now. Please try again.',
        locations: expect.any(Array),
        path: [field],
        extensions: { code: 'UNAVAILABLE', retryAfter: 1, recover: 'RETRY' },
      },
    ],
  })
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(answer.headers.get('www-authenticate')).toBeNull()
}

describePostgres.each(['view', 'strict'])('while PostgreSQL is stopped, a node that decides by %s', mode => {
  let postgres: TestPostgres
  const server = useServer(async () => {
    postgres = await startPostgres()
    await postgres.createDatabase('outage')
    const env = { DATABASE_URL: postgres.urlOf('outage'), ANNUL_REVOCATION: mode }
    return { database: { env }, extension: app }
  })
  let account: Account & TokensAnswer
  beforeAll(async () => {
    account = await server.signUp()
    await postgres.halt()
    // What memory knows it may say for the length of a lease.
    await until(
      () => server.send(me, { token: account.accessToken }),
      ({ code }) => code !== undefined,
    )
  })
  afterAll(() => postgres.stop())

  it('answers a guarded field with UNAVAILABLE and 503, whatever was asked before', async () => {
    const { accessToken } = account
    for (let round = 0; round < 3; round++)
      expectUnavailable(await server.send(me, { token: accessToken }), 'me')
    expectUnavailable(
      await server.send('mutation { revokeSessions }', { token: accessToken }),
      'revokeSessions',
    )
  })

  it('answers public fields, alone and beside a guarded one, with 200', async () => {
    const alone = await server.send('{ news }', { token: account.accessToken })
    expect(alone).toMatchObject({ status: 200, data: { news: 'It rains.' }, errors: undefined })

    const both = await server.send('{ news notes }', { token: account.accessToken })
    expect(both).toMatchObject({ status: 200, data: { news: 'It rains.', notes: null }, code: 'UNAVAILABLE' })
    expect(both.errors).toMatchObject([{ path: ['notes'], extensions: { retryAfter: 1, recover: 'RETRY' } }])
    expect(both.headers.get('retry-after')).toBeNull()
  })

  it('says UNAVAILABLE to login, register, refresh and logout, and to nobody that they are signed out', async () => {
    const { email, password, refreshToken, accessToken } = account
    const input = { email, password }
    const login = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }'
    expectUnavailable(await server.send(login, { variables: { input } }), 'login')
    const register = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }'
    const answer = await server.send(register, {
      variables: { input: { ...input, email: 'new@example.com' } },
    })
    expect(answer).toMatchObject({ status: 503, data: { register: null }, code: 'UNAVAILABLE' })
    expectUnavailable(await server.refresh(refreshToken), 'refresh')
    const logout = 'mutation ($refreshToken: String) { logout(refreshToken: $refreshToken) }'
    expectUnavailable(await server.send(logout, { variables: { refreshToken } }), 'logout')
    expectUnavailable(await server.send(logout, { token: accessToken }), 'logout')
  })

  it('still refuses what it can tell without asking', async () => {
    expect(await server.send(me)).toMatchObject({ status: 401, reason: 'TOKEN_MISSING' })
    const forged = `${account.accessToken.slice(0, -4)}AAAA`
    expect(await server.send(me, { token: forged })).toMatchObject({ status: 401, reason: 'TOKEN_INVALID' })
    expect(await server.refresh('annul_rt_x')).toMatchObject({
      code: 'INVALID_REFRESH_TOKEN',
      reason: 'TOKEN_INVALID',
    })
  })

  it('is alive and not ready', async () => {
    const health = await fetch(`${server.url}/healthz`)
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }])
    const ready = await fetch(`${server.url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable' }])
  })

  it('recovers by itself when PostgreSQL is back: the same tokens work, and nobody was logged out', async () => {
    await postgres.start()
    await until(
      () => fetch(`${server.url}/readyz`),
      ({ status }) => status === 200,
    )
    const answer = await until(
      () => server.send('{ me { id } sessions { id } notes }', { token: account.accessToken }),
      ({ code }) => code !== 'UNAVAILABLE',
    )
    expect(answer).toMatchObject({
      status: 200,
      data: {
        me: { id: account.userId },
        sessions: [{ id: account.session.id }],
        notes: 'Buy an umbrella.',
      },
      errors: undefined,
    })
    const refreshed = await server.refresh(account.refreshToken)
    expect(refreshed.errors).toBeUndefined()
    expect(refreshed.data?.refresh.session.id).toBe(account.session.id)
    // Nothing of what was tried meanwhile was half done.
    const ended = sql`select id from annul.sessions where ended_at is not null`
    expect(await server.rows(ended)).toEqual([])
    expect(await server.rows(sql`select kind from annul.audit_events`)).toEqual([{ kind: 'register' }])
    const killed = await server.send('mutation { revokeSessions }', { token: account.accessToken })
    expect(killed.data).toEqual({ revokeSessions: true })
    expect(await server.send(me, { token: account.accessToken })).toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
      reason: 'SESSIONS_REVOKED',
    })
  })
})
