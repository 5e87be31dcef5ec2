import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { app } from '../support/app.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { startProxy } from '../support/proxy.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

// Between the embedded database and its node there is no network.
const describePostgres = onPostgres ? describe : describe.skip
const me = '{ me { id } }'
const unavailable = { status: 503, data: null, code: 'UNAVAILABLE' }

/** A guarded read has a deadline of a second, a statement of a verb one of five. The rest is for a busy machine. */
const decisionMs = 1000 + 1500
const verbMs = 5000 + 3000

describePostgres.each(['view', 'strict'])('when the network fails, a node that decides by %s', mode => {
  let proxy: Awaited<ReturnType<typeof startProxy>>
  // Before the server is closed: it says farewell to its database.
  afterAll(() => proxy.set('forward'))
  const server = useServer(async () => {
    const url = new URL(await createPostgresDatabase())
    proxy = await startProxy({ host: url.hostname, port: Number(url.port) })
    url.port = String(proxy.port)
    const env = { DATABASE_URL: url.href, ANNUL_REVOCATION: mode }
    return { database: { env }, extension: app }
  })
  afterAll(() => proxy.close())
  let account: Account & TokensAnswer
  beforeAll(async () => {
    account = await server.signUp()
  })

  const askMe = () => server.send(me, { token: account.accessToken })
  const timed = async <T>(work: Promise<T>): Promise<{ answer: T; ms: number }> => {
    const start = performance.now()
    return { answer: await work, ms: performance.now() - start }
  }
  /** Memory may decide for the length of a lease. */
  const isOut = () => until(askMe, ({ code }) => code === 'UNAVAILABLE')
  const isBack = async () => {
    const answer = await until(askMe, ({ code }) => code !== 'UNAVAILABLE')
    expect(answer).toMatchObject({ status: 200, data: { me: { id: account.userId } }, errors: undefined })
  }

  it('says UNAVAILABLE within moments while packets vanish, and is back when they pass again', async () => {
    proxy.set('drop')
    await isOut()
    const guarded = await Promise.all(Array.from({ length: 5 }, () => timed(askMe())))
    for (const { answer, ms } of guarded) {
      expect(answer).toMatchObject(unavailable)
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(ms).toBeLessThan(decisionMs)
    }
    const open = await timed(server.send('{ news }', { token: account.accessToken }))
    expect(open.answer).toMatchObject({ status: 200, data: { news: 'It rains.' } })
    expect(open.ms).toBeLessThan(500)
    const ready = await timed(fetch(`${server.url}/readyz`))
    expect(ready.answer.status).toBe(503)
    expect(ready.ms).toBeLessThan(decisionMs)

    proxy.set('forward')
    await isBack()
  })

  // Verbs ask the database in either mode.
  if (mode === 'view')
    it('says UNAVAILABLE to verbs too, transactions included; repeating them afterwards does no harm', async () => {
      const attempt = 'the-attempt-of-one-refresh'
      const other = await server.login(account)
      proxy.set('drop')
      await isOut()
      const logout = 'mutation ($refreshToken: String!) { logout(refreshToken: $refreshToken) }'
      const variables = { refreshToken: other.refreshToken }
      const login = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }'
      const input = { email: account.email, password: account.password }
      const answers = await Promise.all([
        timed(server.refresh(account.refreshToken, attempt)),
        timed(server.send(login, { variables: { input } })),
        timed(server.send(logout, { variables })),
      ])
      for (const { answer, ms } of answers) {
        expect(answer).toMatchObject(unavailable)
        expect(ms).toBeLessThan(verbMs)
      }

      proxy.set('forward')
      await isBack()
      // It may have arrived after all, once the packets passed: the same attempt is answered either way.
      const refreshed = await server.refresh(account.refreshToken, attempt)
      expect(refreshed.errors).toBeUndefined()
      expect(refreshed.data?.refresh.session.id).toBe(account.session.id)
      account = { ...account, ...refreshed.data?.refresh }
      expect((await server.send(logout, { variables })).errors).toBeUndefined()
      expect(await server.refresh(other.refreshToken)).toMatchObject({
        code: 'INVALID_REFRESH_TOKEN',
        reason: 'LOGGED_OUT',
      })
    })

  it('answers a request on connections that were all just reset', async () => {
    await isBack()
    proxy.set('cut')
    proxy.set('forward')
    const answers = await Promise.all([askMe(), askMe(), askMe()])
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, errors: undefined })
    await isBack()
  })

  it('says UNAVAILABLE at once while every connection is reset, and is back afterwards', async () => {
    proxy.set('cut')
    await isOut()
    for (let round = 0; round < 5; round++) {
      const { answer, ms } = await timed(askMe())
      expect(answer).toMatchObject(unavailable)
      expect(ms).toBeLessThan(decisionMs)
    }
    proxy.set('forward')
    await isBack()
  })

  it('has logged nobody out over all this', async () => {
    const ended = sql`select id from annul.sessions where ended_at is not null and end_reason <> 'LOGGED_OUT'`
    expect(await server.rows(ended)).toEqual([])
    const killed = await server.send('mutation { revokeSessions }', { token: account.accessToken })
    expect(killed.data).toEqual({ revokeSessions: true })
    expect(await askMe()).toMatchObject({ status: 401, reason: 'SESSIONS_REVOKED' })
  })
})
