import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import {
  claimsOf,
  firefox,
  firefoxName,
  listSessions,
  must,
  refusal,
  refused,
  type WholeTokens,
  wholeTokens,
} from '../support/answers.ts'
import { deviceOf } from '../support/devices.ts'
import { useServer } from '../support/server.ts'
import { presentRefreshToken, refreshAnswer } from '../support/tokenAnswers.ts'

const server = useServer()

const register = (input: { email: string; password: string }) =>
  server.send<{ register: WholeTokens }>(
    `mutation ($input: RegisterInput!) { register(input: $input) { ${wholeTokens} } }`,
    { variables: { input }, headers: { 'user-agent': firefox } },
  )
const login = ({ email, password }: { email: string; password: string }, headers?: Record<string, string>) =>
  server.send<{ login: WholeTokens }>(
    `mutation ($input: LoginInput!) { login(input: $input) { ${wholeTokens} } }`,
    { variables: { input: { email, password } }, headers: { 'user-agent': firefox, ...headers } },
  )
const password = 'a password of the tests'
const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/)

/** What the answer of register and login must be. */
const openedFor = (email: string, sessionId: string) => ({
  accessToken: expect.any(String),
  tokenType: 'Bearer',
  expiresIn: 600,
  refreshToken: expect.stringMatching(/^annul_rt_/),
  session: {
    id: sessionId,
    current: true,
    device: firefoxName,
    ipAddress: '127.0.0.1',
    createdAt: timestamp,
    lastUsedAt: timestamp,
    expiresAt: timestamp,
  },
  user: expect.objectContaining({
    email,
    emailVerified: false,
    roles: [],
    scopes: [],
    status: 'ACTIVE',
    createdAt: timestamp,
  }),
})

describe('register', () => {
  it('makes the account and answers with the tokens of its first session', async () => {
    const { register: tokens } = must(await register({ email: 'Ada@Example.com', password }))
    expect(tokens).toEqual(openedFor('Ada@Example.com', tokens.session.id))
    expect(tokens.user.sessions).toEqual([{ id: tokens.session.id, current: true }])
    const left = Date.parse(tokens.session.expiresAt) - Date.parse(tokens.session.createdAt)
    expect(left / 1000).toBeCloseTo(2_592_000, 0)

    const claims = claimsOf(tokens.accessToken)
    expect(claims).toEqual({
      iss: 'annul',
      amr: ['pwd'],
      aud: 'annul',
      client_id: 'annul',
      jti: expect.any(String),
      sub: tokens.user.id,
      sid: tokens.session.id,
      ver: 1,
      epoch: expect.any(Number),
      roles: [],
      scope: '',
      auth_time: claims.iat,
      iat: expect.any(Number),
      exp: Number(claims.iat) + 600,
    })
    const device = deviceOf(tokens)
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
  })

  it('refuses an e-mail that is taken, in whatever spelling, and changes nothing', async () => {
    must(await register({ email: 'bea@example.com', password }))
    const before = await counts()
    for (const email of ['bea@example.com', 'BEA@Example.COM', '  bea@example.com '])
      expect(refusal(await register({ email, password: `${password} 2` }))).toEqual({
        status: 200,
        data: { register: null },
        errors: [{ code: 'BAD_USER_INPUT', reason: 'EMAIL_TAKEN', argument: 'input.email' }],
      })
    expect(await counts()).toEqual(before)
    must(await login({ email: 'bea@example.com', password }))
  })

  it('gives an e-mail to exactly one of two who want it at once', async () => {
    const answers = await Promise.all([1, 2].map(() => register({ email: 'cid@example.com', password })))
    expect(answers.map(({ reason }) => reason).sort()).toEqual(['EMAIL_TAKEN', undefined])
    const found = await server.rows(sql`select 1 from annul.users where email_key = 'cid@example.com'`)
    expect(found).toHaveLength(1)
  })

  const counts = () =>
    server.rows(sql`select (select count(*) from annul.users)::int as users,
      (select count(*) from annul.sessions)::int as sessions`)
})

describe('login', () => {
  it('opens a session of its own each time, and leaves the others alone (ASVS 5.0 7.1.2)', async () => {
    const account = await server.signUp()
    const { login: first } = must(await login(account))
    const { login: second } = must(await login(account))
    expect(second).toEqual(openedFor(account.email, second.session.id))
    expect(second.user.id).toBe(account.userId)
    expect(new Set([account.session.id, first.session.id, second.session.id]).size).toBe(3)

    const current = { id: second.session.id, current: true }
    expect(second.user.sessions).toContainEqual(current)
    expect(second.user.sessions.filter(session => session.current)).toEqual([current])
    for (const { accessToken } of [account, first, second])
      expect(await listSessions(server, accessToken)).toHaveLength(3)
  })

  it('knows the e-mail in any spelling, and the password in one only', async () => {
    const account = await server.signUp()
    const email = ` ${account.email.toUpperCase()} `
    const { login: tokens } = must(await login({ email, password: account.password }))
    expect(tokens.user.id).toBe(account.userId)
    for (const wrong of [account.password.toUpperCase(), `${account.password} `, ''])
      expect(refusal(await login({ email, password: wrong }))).toEqual(
        refused({ code: 'INVALID_CREDENTIALS' }),
      )
    expect(await listSessions(server, tokens.accessToken)).toHaveLength(2)
  })

  it('does not mind a token of whatever kind in the header', async () => {
    const account = await server.signUp()
    must(await server.send('mutation { logout }', { token: account.accessToken }))
    for (const authorization of [`Bearer ${account.accessToken}`, 'Bearer nonsense', 'Basic YTpi'])
      must(await login(account, { authorization }))
  })
})
