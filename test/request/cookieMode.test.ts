import { beforeEach, describe, expect, it } from '@jest/globals'
import { unavailable } from '../../src/errors.ts'
import { type RequestState, stateOf } from '../../src/request/context.ts'
import { cookieOf, endSession, issue } from '../../src/request/cookieMode.ts'
import type { HeaderList } from '../../src/request/message.ts'
import { makePerson, type Person, type SignedIn, sessionRow } from '../sessions/person.ts'
import { newAttempt } from '../sessions/refresh/support.ts'
import { type TestServer, useServer } from '../support/server.ts'

/* Which cookies a verb reads and sets, without a server in between. By browsers: sessions/refresh/cookies.test.ts. */

const page = 'https://app.example.com'
const evil = 'https://evil.example'
const server = useServer({ env: { ANNUL_ALLOWED_ORIGINS: page } })
const bound = useServer({ env: { ANNUL_BIND: 'cookie', ANNUL_ALLOWED_ORIGINS: page } })
let ada: Person
let browser: SignedIn
beforeEach(async () => {
  ada = await makePerson(server)
  browser = await ada.signIn({ cookie: true })
})

function open(headers: Record<string, string>, node: TestServer = server) {
  const answer: HeaderList = []
  const { auth } = node.auth.context(
    { headers, socket: { remoteAddress: '203.0.113.7' } },
    { appendHeader: (name, value) => answer.push([name, value]) },
  )
  const state = stateOf(auth)
  return { state, cookies: () => answer.map(([, value]) => value.split(';')[0]) }
}
const tokenOf = (generation = 1) =>
  server.auth.parts.refreshTokens.derive({ sessionId: browser.sessionId, generation })
const withCookie = (token = tokenOf(), origin = page) => ({ cookie: `__Host-annul-refresh=${token}`, origin })
const codeOf = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(
      value => value,
      error => error.extensions?.reason ?? error.extensions?.code ?? error.code ?? String(error.message),
    )

describe('a verb that issues tokens', () => {
  const both = () => [`__Host-annul-refresh=${tokenOf()}`, `__Host-annul-session=${browser.sessionId}.1`]

  it('sets those of a cookie session as cookies for a page that is allowed, and tells the log whose they are', async () => {
    const { state, cookies } = open({ origin: page })
    expect(await issue(state, async () => browser.tokens, { cookie: true })).toBe(browser.tokens)
    expect(cookies()).toEqual(both())
    expect(state.userId()).toBe(ada.userId)
  })

  it('sets none for a page that is not allowed, nor for a session without a cookie', async () => {
    for (const headers of [{ origin: evil }, {}]) {
      const { state, cookies } = open(headers)
      expect(await issue(state, async () => browser.tokens)).toBe(browser.tokens)
      expect(cookies()).toEqual([])
    }
    const script = await ada.signIn()
    const { state, cookies } = open({ origin: page })
    await issue(state, async () => script.tokens, { cookie: true })
    expect(cookies()).toEqual([])
  })

  it('is not run where a page that is not allowed asks for the cookie', async () => {
    let runs = 0
    const verb = async () => {
      runs++
      return browser.tokens
    }
    for (const headers of [{ origin: evil }, {}])
      expect(await codeOf(() => issue(open(headers).state, verb, { cookie: true }))).toBe(
        'ORIGIN_NOT_ALLOWED',
      )
    expect(runs).toBe(0)
    await issue(open({ origin: evil }).state, verb, { cookie: false })
    expect(runs).toBe(1)
  })

  it('that issues none sets none', async () => {
    const { state, cookies } = open({ origin: page })
    expect(await issue(state, async () => null, { cookie: true })).toBeNull()
    expect([cookies(), state.userId()]).toEqual([[], undefined])
  })

  it('is not run where its tokens could not be bound', async () => {
    let runs = 0
    const { state } = open({ origin: page })
    const unbound = {
      ...{ cookies: state.cookies, visitor: state.visitor, identify: () => {} },
      parts: { ...state.parts, config: { ...state.parts.config, bind: 'ip' } },
    } as unknown as RequestState
    const verb = async () => {
      runs++
      return browser.tokens
    }
    expect(await codeOf(() => issue(unbound, verb))).toMatch(/^With ANNUL_BIND=ip no access token is issued/)
    expect(runs).toBe(0)
  })

  it('sets what its tokens are bound to, but not for a foreign page, which would replace it', async () => {
    const isBound = (names: (string | undefined)[]) =>
      names.some(name => name?.startsWith('__Host-annul-fingerprint='))
    for (const [headers, expected] of [
      [{ origin: page }, true],
      [{}, true],
      [{ origin: evil }, false],
      [{ 'sec-fetch-site': 'cross-site' }, false],
    ] as const) {
      const { state, cookies } = open(headers, bound)
      await issue(state, async () => browser.tokens)
      expect([headers, isBound(cookies())]).toEqual([headers, expected])
    }
  })
})

describe('the token of the cookie', () => {
  const read = (headers: Record<string, string>, attempt?: string | null) => {
    const { state, cookies } = open(headers)
    return Promise.all([codeOf(() => cookieOf(state, attempt)), cookies])
  }
  const attemptOf = (generation: number, of = browser.sessionId) => `${of}.${generation}.${newAttempt()}`

  it('is read for an attempt of its generation, and without one', async () => {
    for (const attempt of [undefined, null, attemptOf(1)])
      expect((await read(withCookie(), attempt))[0]).toBe(tokenOf())
    expect((await read(withCookie(tokenOf(12)), attemptOf(12)))[0]).toBe(tokenOf(12))
  })

  it('is stale for any other attempt, and the readable cookie is set right', async () => {
    for (const attempt of [attemptOf(2), attemptOf(11), attemptOf(1, ada.userId), newAttempt()]) {
      const [code, cookies] = await read(withCookie(), attempt)
      expect([code, cookies()]).toEqual(['TOKEN_STALE', [`__Host-annul-session=${browser.sessionId}.1`]])
    }
  })

  it('is refused without a cookie, for a page that is not allowed, and for what is no attempt or no token', async () => {
    const refusals = [
      await read({ origin: page }, attemptOf(1)),
      await read(withCookie(tokenOf(), evil), attemptOf(1)),
      await read(withCookie(), ''),
      await read(withCookie(), 'short'),
      await read(withCookie('annul_rt_nonsense'), attemptOf(1)),
      await read(withCookie('annul_rt_nonsense')),
    ]
    expect(refusals.map(([code]) => code)).toEqual([
      'TOKEN_MISSING',
      'ORIGIN_NOT_ALLOWED',
      'ATTEMPT_INVALID',
      'ATTEMPT_INVALID',
      'TOKEN_INVALID',
      'TOKEN_INVALID',
    ])
    expect(refusals.flatMap(([, cookies]) => cookies())).toEqual([])
  })

  it('of a page that is not allowed is not even looked at', async () => {
    const [code] = await read(withCookie('annul_rt_nonsense', evil), 'short')
    expect(code).toBe('ORIGIN_NOT_ALLOWED')
  })
})

describe('a logout', () => {
  const cleared = ['__Host-annul-refresh=', '__Host-annul-session=']
  const bearer = ({ tokens }: SignedIn) => ({ authorization: `Bearer ${tokens.accessToken}` })
  const endOf = async ({ sessionId }: SignedIn) => (await sessionRow(server, sessionId)).end_reason
  const logOut = async (headers: Record<string, string>, refreshToken?: string | null) => {
    const { state, cookies } = open(headers)
    return [await codeOf(() => endSession(state, refreshToken)), cookies()]
  }

  it('by the argument ends that session, and leaves the cookies and the session of the access token', async () => {
    const script = await ada.signIn()
    const headers = { ...withCookie(), ...bearer(browser) }
    expect(await logOut(headers, script.tokens.refreshToken)).toEqual([true, []])
    expect([await endOf(script), await endOf(browser)]).toEqual(['LOGGED_OUT', null])
    expect(await logOut(headers, script.tokens.refreshToken)).toEqual([false, []])
    expect(await logOut(headers, '')).toEqual(['TOKEN_INVALID', []])
    expect(await endOf(browser)).toBeNull()
  })

  it('by the cookie ends its session and clears the cookies, of one that is over, too', async () => {
    const script = await ada.signIn()
    const headers = { ...withCookie(), ...bearer(script) }
    expect(await logOut(headers, null)).toEqual([true, cleared])
    expect(await logOut(headers)).toEqual([false, cleared])
    expect([await endOf(script), await endOf(browser)]).toEqual([null, 'LOGGED_OUT'])
  })

  it('by a cookie that holds no token clears it, and says so', async () => {
    const forged = `${tokenOf().slice(0, -2)}${tokenOf().endsWith('AA') ? 'BA' : 'AA'}`
    for (const token of ['annul_rt_nonsense', forged])
      expect(await logOut(withCookie(token))).toEqual(['TOKEN_INVALID', cleared])
  })

  it('by a cookie of a page that is not allowed does nothing', async () => {
    for (const headers of [withCookie(tokenOf(), evil), { cookie: `__Host-annul-refresh=${tokenOf()}` }])
      expect(await logOut(headers)).toEqual(['ORIGIN_NOT_ALLOWED', []])
    expect(await endOf(browser)).toBeNull()
  })

  it('leaves the cookie in an outage, because the session lives on', async () => {
    for (const [failure, code] of [
      [unavailable(), 'UNAVAILABLE'],
      [new Error('A failure of the code.'), 'A failure of the code.'],
      [Object.assign(new Error('Not ours.'), { code: 'INVALID_REFRESH_TOKEN' }), 'INVALID_REFRESH_TOKEN'],
    ] as const) {
      const { state, cookies } = open(withCookie())
      const db = { ...state.parts.db, transaction: () => Promise.reject(failure) }
      const broken = { cookies: state.cookies, visitor: state.visitor, parts: { ...state.parts, db } }
      expect(await codeOf(() => endSession(broken as unknown as RequestState, undefined))).toBe(code)
      expect(cookies()).toEqual([])
    }
  })

  it('by the access token alone ends its session, and says why it can not', async () => {
    const script = await ada.signIn()
    expect(await logOut(bearer(script))).toEqual([true, []])
    expect(await endOf(script)).toBe('LOGGED_OUT')
    expect(await logOut(bearer(script))).toEqual(['LOGGED_OUT', []])
    expect(await logOut({})).toEqual(['TOKEN_MISSING', []])
  })

  it('by the access token is decided anew: it is a root mutation field', async () => {
    const script = await ada.signIn()
    const { state } = open(bearer(script))
    expect(await state.decide()).toMatchObject({ sessionId: script.sessionId })
    await server.send('mutation { logout }', { token: script.tokens.accessToken })
    const before = state.lastDecision()
    expect(await codeOf(() => endSession(state, undefined))).toBe('LOGGED_OUT')
    expect(state.lastDecision()).not.toBe(before)
  })
})
