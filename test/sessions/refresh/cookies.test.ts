import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { tokenFields } from '../../support/client.ts'
import { useServer } from '../../support/server.ts'
import { createBrowser, loginWith, refreshCookie, sessionCookie, setCookies, tokensOf } from './browser.ts'
import { bodyOf, newAttempt, refused, snapshot, unauthenticated } from './support.ts'

const server = useServer()

const maxAge = `Max-Age=${180 * 86_400}`
const hidden = [maxAge, 'HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure'].sort()
const readable = [maxAge, 'Path=/', 'SameSite=Strict', 'Secure'].sort()
const bothCookies = (sessionId: string, generation: number) => [
  {
    name: refreshCookie,
    value: server.auth.parts.refreshTokens.derive({ sessionId, generation }),
    attributes: hidden,
  },
  { name: sessionCookie, value: `${sessionId}.${generation}`, attributes: readable },
]

describe('a session in a cookie', () => {
  it('is opened by register and login: the refresh token in the HttpOnly cookie only', async () => {
    const browser = createBrowser(server)
    const { answer, email, password, refreshToken, session } = await browser.register()
    expect(refreshToken).toBeNull()
    expect(setCookies(answer)).toEqual(bothCookies(session.id, 1))

    const input = { email, password, cookie: true }
    const login = await createBrowser(server).send(loginWith, { variables: { input } })
    const tokens = tokensOf(login, 'login')
    expect(tokens.refreshToken).toBeNull()
    expect(setCookies(login)).toEqual(bothCookies(tokens.session.id, 1))
  })

  it('is refreshed by it: both cookies move on together, and the body tells no refresh token', async () => {
    const browser = createBrowser(server)
    const { session } = await browser.register()
    for (const generation of [2, 3]) {
      const answer = await browser.refresh(browser.attempt())
      expect(tokensOf(answer, 'refresh')).toMatchObject({ refreshToken: null, session: { id: session.id } })
      expect(setCookies(answer)).toEqual(bothCookies(session.id, generation))
    }
  })

  it('gets the same cookies again when the answer was lost', async () => {
    const browser = createBrowser(server)
    const { session } = await browser.register()
    const kept = new Map(browser.cookies)
    const attempt = browser.attempt()
    await browser.refresh(attempt)
    for (const [name, value] of kept) browser.cookies.set(name, value)
    const before = await snapshot(server, session.id)
    expect(setCookies(await browser.refresh(attempt))).toEqual(bothCookies(session.id, 2))
    expect(await snapshot(server, session.id)).toEqual(before)
  })

  it.each([
    ['an older generation', (id: string) => `${id}.1`],
    ['a newer generation', (id: string) => `${id}.3`],
    ['a generation that only begins like it', (id: string) => `${id}.22`],
    ['another session', () => '00000000-0000-4000-8000-000000000000.2'],
    ['nothing at all', () => newAttempt()],
  ])(
    'is TOKEN_STALE for an attempt that names %s: the readable cookie is set right, nothing written',
    async (_, name) => {
      const browser = createBrowser(server)
      const { session } = await browser.register()
      await browser.refresh(browser.attempt())
      browser.cookies.set(sessionCookie, 'overtaken')
      const before = await snapshot(server, session.id)
      const answer = await browser.refresh(`${name(session.id)}.${newAttempt()}`)
      expect(bodyOf(answer)).toEqual(refused('TOKEN_STALE'))
      expect(setCookies(answer)).toEqual(bothCookies(session.id, 2).slice(1))
      expect(await snapshot(server, session.id)).toEqual(before)
      // The client tries once more, and that works.
      const next = await browser.refresh(browser.attempt())
      expect(setCookies(next)).toEqual(bothCookies(session.id, 3))
    },
  )

  it('is stolen like any other: a copy of the cookie with another attempt ends it', async () => {
    const browser = createBrowser(server)
    const { session } = await browser.register()
    const thief = createBrowser(server)
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value)
    const stolen = tokensOf(await thief.refresh(thief.attempt()), 'refresh')
    expect(bodyOf(await browser.refresh(browser.attempt()))).toEqual(refused('REFRESH_REUSED'))
    expect(bodyOf(await thief.refresh(thief.attempt()))).toEqual(refused('REFRESH_REUSED'))
    const me = await server.send('{ me { id } }', { token: stolen.accessToken })
    expect(bodyOf(me)).toEqual(unauthenticated('REFRESH_REUSED'))
    const { session: row } = await snapshot(server, session.id)
    expect(row).toMatchObject({ end_reason: 'REFRESH_REUSED', cookie: true })
  })

  it('TOKEN_MISSING without the cookie, and TOKEN_INVALID for a cookie that is no token; neither clears it', async () => {
    const browser = createBrowser(server)
    const missing = await browser.refresh(newAttempt())
    expect(bodyOf(missing)).toEqual(refused('TOKEN_MISSING'))
    browser.cookies.set(refreshCookie, 'annul_rt_nonsense')
    const invalid = await browser.refresh(newAttempt())
    const message = 'This is not a refresh token, or a part of it is missing.'
    const [error] = refused('TOKEN_INVALID').errors
    expect(bodyOf(invalid)).toEqual({ ...refused('TOKEN_INVALID'), errors: [{ ...error, message }] })
    expect([...setCookies(missing), ...setCookies(invalid)]).toEqual([])
  })
})

describe('cookies are cleared', () => {
  const cleared = [
    { name: refreshCookie, value: '', attributes: hidden.map(part => part.replace(/^Max.*/, 'Max-Age=0')) },
    { name: sessionCookie, value: '', attributes: readable.map(part => part.replace(/^Max.*/, 'Max-Age=0')) },
  ]

  it('by logout, of a live session and of one that is over', async () => {
    const browser = createBrowser(server)
    const { session, accessToken } = await browser.register()
    const kept = new Map(browser.cookies)
    const logout = await browser.send('mutation { logout }')
    expect(logout.data).toEqual({ logout: true })
    expect(setCookies(logout)).toEqual(cleared)
    expect(browser.cookies.size).toBe(0)
    expect((await snapshot(server, session.id)).session).toMatchObject({ end_reason: 'LOGGED_OUT' })
    expect((await server.send('{ me { id } }', { token: accessToken })).reason).toBe('LOGGED_OUT')

    for (const [name, value] of kept) browser.cookies.set(name, value)
    const again = await browser.send('mutation { logout }')
    expect(again.data).toEqual({ logout: false })
    expect(setCookies(again)).toEqual(cleared)
  })

  it('and never by a refusal: a late answer would delete a newer login', async () => {
    const browser = createBrowser(server)
    const { session } = await browser.register()
    const set = (change: Record<string, string>) =>
      server.rows(sql`update annul.sessions set
        end_reason = ${change.reason ?? null}, ended_at = case when ${change.reason ?? null}::text is null then null else now() end,
        idle_expires_at = now() + make_interval(secs => ${Number(change.idle ?? 1000)}),
        generation = ${Number(change.generation ?? 1)} where id = ${session.id}`)
    const answers = []
    for (const change of [
      { reason: 'LOGGED_OUT' },
      { reason: 'REFRESH_REUSED' },
      { idle: '-1' },
      { generation: '0' },
      { generation: '20' },
    ]) {
      await set(change)
      answers.push(await browser.refresh(browser.attempt()))
    }
    expect(answers.map(({ reason }) => reason)).toEqual([
      'LOGGED_OUT',
      'REFRESH_REUSED',
      'SESSION_EXPIRED',
      'TOKEN_INVALID',
      'REFRESH_REUSED',
    ])
    expect(answers.flatMap(setCookies)).toEqual([])
    expect(browser.cookies.size).toBe(2)
  })
})

describe('the refresh token of a cookie session', () => {
  const newPassword = `password ${newAttempt()}`
  const verbs: [string, string][] = [
    ['revokeOtherSessions', `revokeOtherSessions { ${tokenFields} }`],
    ['reauthenticate', `reauthenticate(password: $old) { ${tokenFields} }`],
    [
      'changePassword',
      `changePassword(input: { currentPassword: $old, newPassword: $new }) { ${tokenFields} }`,
    ],
  ]
  it.each(verbs)(
    'is told by %s neither in the body nor in a cookie, whoever has the access token',
    async (field, selection) => {
      const browser = createBrowser(server)
      const { accessToken: token, password, session } = await browser.register()
      const names = [field === 'revokeOtherSessions' ? '' : '$old: String!'].concat(
        field === 'changePassword' ? '$new: String!' : [],
      )
      const declared = names.filter(name => name).join()
      const query = `mutation ${declared && `(${declared})`} { ${selection} }`
      const variables = { ...(field !== 'revokeOtherSessions' && { old: password }), new: newPassword }
      // A script that stole an access token, and sends it from a machine where every header can be set.
      const thief = createBrowser(server)
      const answer = await thief.send(query, { token, variables })
      expect(tokensOf(answer, field)).toMatchObject({ refreshToken: null, session: { id: session.id } })
      expect(answer.headers.getSetCookie().join()).not.toContain('annul_rt_')
      expect(JSON.stringify(answer.data)).not.toContain('annul_rt_')
    },
  )

  it('is not told by a refresh that brings it as an argument, either', async () => {
    const browser = createBrowser(server)
    const { session } = await browser.register()
    const refreshToken = browser.cookies.get(refreshCookie) ?? ''
    const answer = await server.refresh(refreshToken, newAttempt())
    expect(answer.data?.refresh).toMatchObject({ refreshToken: null, session: { id: session.id } })
    expect(setCookies(answer)).toEqual([])
  })
})

describe('cache-control', () => {
  it('is no-store on everything that carries tokens, and on refusals', async () => {
    const browser = createBrowser(server)
    const { answer, accessToken: token, password } = await browser.register()
    const answers = [
      answer,
      await browser.refresh(browser.attempt()),
      await browser.refresh(newAttempt()),
      await server.send(
        `mutation ($password: String!) { reauthenticate(password: $password) { accessToken } }`,
        {
          token,
          variables: { password },
        },
      ),
      await server.send('mutation { revokeOtherSessions { accessToken refreshToken } }', { token }),
      await server.send('{ me { id } }', { token: 'nonsense' }),
      await server.refresh('nonsense'),
      await browser.send('mutation { logout }'),
    ]
    const unread = await fetch(`${server.url}/graphql`, { method: 'POST', body: '{' })
    expect([...answers, unread].map(({ headers }) => headers.get('cache-control'))).toEqual(
      Array(9).fill('no-store'),
    )
  })
})
