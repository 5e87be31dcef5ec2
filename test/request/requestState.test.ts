import { createHmac } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { AuthError } from '../../src/errors.ts'
import { stateOf } from '../../src/request/context.ts'
import type { HeaderList, RequestLike } from '../../src/request/message.ts'
import { readRenewalProof } from '../../src/request/renewalProof.ts'
import { bindAddress, bindFingerprint } from '../../src/tokens/binding.ts'
import { refreshTokens } from '../../src/tokens/refreshToken.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { type TestServer, useServer } from '../support/server.ts'

/* What is known of one request, behind its context. What an app's resolvers are told: viewer.test.ts. */

const page = 'https://app.example.com'
const previousSecret = Buffer.alloc(32, 'the secret before this one, here')
const server = useServer({
  env: { ANNUL_ALLOWED_ORIGINS: page, ANNUL_SECRET_PREVIOUS: previousSecret.toString('base64') },
})
const strict = useServer({ env: { ANNUL_REVOCATION: 'strict', ANNUL_BIND: 'ip' } })
const byCookie = useServer({ env: { ANNUL_BIND: 'cookie' } })

let account: Account & TokensAnswer
let tokens: TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
})
beforeEach(async () => {
  tokens = await server.login(account)
})

function open(headers: RequestLike['headers'] = {}, node: TestServer = server, address?: string) {
  const answer: HeaderList = []
  const request = { headers, ...(address !== undefined && { socket: { remoteAddress: address } }) }
  const response = { appendHeader: (name: string, value: string) => answer.push([name, value]) }
  const { auth } = node.auth.context(request, response)
  return { auth, state: stateOf(auth), answer }
}
const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` })
const logOut = (accessToken: string, node: TestServer = server) =>
  node.send('mutation { logout }', { token: accessToken })
const reasonOf = (value: unknown) => (value instanceof AuthError ? value.extensions.reason : value)

describe('the decision about a request', () => {
  it('is made once, and anew when it is asked for', async () => {
    const { auth, state } = open(bearer(tokens.accessToken))
    expect(state.lastDecision()).toBeUndefined()
    const first = await auth.decide()
    expect(first).toMatchObject({ userId: account.userId })
    await logOut(tokens.accessToken)
    expect([await auth.decide(), await state.decide(), state.lastDecision()]).toEqual([first, first, first])
    expect(reasonOf(await auth.decide(true))).toBe('LOGGED_OUT')
    expect(reasonOf(state.lastDecision())).toBe('LOGGED_OUT')
  })

  it('is what an app is told of its viewer', async () => {
    const { auth } = open(bearer(tokens.accessToken))
    const viewer = await auth.viewerOrNull()
    expect(viewer).toMatchObject({ userId: account.userId })
    expect(auth.viewer()).toBe(viewer)
    expect(await open().auth.viewerOrNull()).toBeNull()
  })

  it('is asked for by a guard, or by the app alone', async () => {
    const { auth, state } = open(bearer(tokens.accessToken))
    await auth.viewerOrNull()
    await state.decide(true)
    expect(state.hasMetGuard).toBe(false)
    await auth.decide()
    expect(state.hasMetGuard).toBe(true)
  })

  it('is about the token of the moment: a socket takes fresh ones over', async () => {
    const next = await server.login(account)
    let present: string | undefined = tokens.accessToken
    const { auth } = server.auth.socketContext({ headers: bearer('not asked') }, () => present)
    const state = stateOf(auth)
    expect(state.decidedToken).toBeUndefined()
    expect(await state.decide()).toMatchObject({ sessionId: tokens.session.id })
    present = next.accessToken
    expect(state.decidedToken).toBe(tokens.accessToken)
    expect(await state.decide()).toMatchObject({ sessionId: tokens.session.id })
    expect(await state.decide(true)).toMatchObject({ sessionId: next.session.id })
    expect(state.decidedToken).toBe(next.accessToken)
    present = undefined
    expect(reasonOf(await state.decide(true))).toBe('TOKEN_MISSING')
  })

  it('tells the log who has sent the request, once that is known', async () => {
    const { state } = open(bearer(tokens.accessToken))
    expect(state.userId()).toBeUndefined()
    await state.decide()
    expect(state.userId()).toBe(account.userId)
    state.identify('somebody whom login has identified')
    expect(state.userId()).toBe('somebody whom login has identified')
    const nobody = open().state
    await nobody.decide()
    expect(nobody.userId()).toBeUndefined()
    nobody.identify(account.userId)
    expect(nobody.userId()).toBe(account.userId)
  })

  it('has the time of the database', () => {
    expect(Math.abs(open().auth.now() - server.auth.parts.clock.now())).toBeLessThan(5)
  })
})

describe('whether an answer may still be sent', () => {
  it.each<[string, () => TestServer]>([
    ['by the view', () => server],
    ['by the primary', () => strict],
  ])('is decided once more %s, about the token that the answer is for', async (_, node) => {
    const { accessToken } = await node().signUp()
    const other = await node().signUp()
    let present = accessToken
    const request = { headers: {}, socket: { remoteAddress: '127.0.0.1' } }
    const state = stateOf(node().auth.socketContext(request, () => present).auth)
    expect(await state.refusedSince()).toBeUndefined()
    const decision = await state.decide()
    expect(decision).not.toBeInstanceOf(AuthError)
    expect(await state.refusedSince()).toBeUndefined()
    present = other.accessToken
    await logOut(accessToken, node())
    expect(reasonOf(await state.refusedSince())).toBe('LOGGED_OUT')
    expect(state.lastDecision()).toBe(decision)
    expect(state.decidedToken).toBe(accessToken)
  })

  it('is not asked where nobody was let in', async () => {
    const { state } = open(bearer('nonsense'))
    expect(reasonOf(await state.decide())).toBe('TOKEN_INVALID')
    expect(state.refusedSince()).toBeUndefined()
  })
})

describe('the rows of a request', () => {
  const rename = (name: string) =>
    server.rows(sql`update annul.users set email = ${name} where id = ${account.userId}`)
  const browse = (name: string) =>
    server.rows(sql`update annul.sessions set user_agent = ${name} where id = ${tokens.session.id}`)
  const read = async ({ state }: ReturnType<typeof open>) => [
    (await state.user(account.userId))?.email,
    (await state.session(tokens.session.id))?.userAgent,
  ]
  const change = async (name: string) => {
    await rename(name)
    await browse(name)
  }

  it('are read once, and anew after what ends a decision', async () => {
    const opened = open(bearer(tokens.accessToken))
    await change('first')
    expect(await read(opened)).toEqual(['first', 'first'])
    await opened.state.decide()
    await change('second')
    expect(await read(opened)).toEqual(['second', 'second'])
    await change('third')
    await opened.state.decide()
    expect(await read(opened)).toEqual(['second', 'second'])
    await opened.state.decide(true)
    expect(await read(opened)).toEqual(['third', 'third'])
    await change('fourth')
    expect(await read(opened)).toEqual(['third', 'third'])
    opened.auth.forget()
    expect(await read(opened)).toEqual(['fourth', 'fourth'])
    await change(account.email)
  })

  it('are null for what is not there', async () => {
    const { state } = open()
    const none = '00000000-0000-4000-8000-000000000000'
    expect([await state.user(none), await state.session(none)]).toEqual([null, null])
  })
})

describe('the fence of an app’s own transaction', () => {
  const fence = ({ auth }: ReturnType<typeof open>) =>
    server.auth.parts.db.transaction(tx => auth.fence(tx as never))

  it('is the viewer, while the token lives', async () => {
    const opened = open(bearer(tokens.accessToken))
    expect(await fence(opened)).toMatchObject({ userId: account.userId, sessionId: tokens.session.id })
    await logOut(tokens.accessToken)
    // Decided before, and refused all the same.
    await expect(fence(opened)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      extensions: { reason: 'LOGGED_OUT' },
    })
  })

  it('is nobody for a request without a viewer', async () => {
    await expect(fence(open())).rejects.toMatchObject({ extensions: { reason: 'TOKEN_MISSING' } })
  })
})

describe('what a request has waited for', () => {
  it('is the longest of its waits for all nodes', () => {
    const { state } = open()
    expect(state.revokedOnAllNodesMs()).toBeUndefined()
    for (const [waited, longest] of [
      [0, 0],
      [7, 7],
      [3, 7],
      [9, 9],
    ] as const) {
      state.visitor.revoked(waited)
      expect(state.revokedOnAllNodesMs()).toBe(longest)
    }
  })
})

describe('the visitor of a request', () => {
  it('has an address and a User-Agent, which may be missing', () => {
    const headers = { 'user-agent': 'a browser' }
    expect(open(headers, server, '203.0.113.7').state.visitor).toMatchObject({
      ipAddress: '203.0.113.7',
      userAgent: 'a browser',
      binding: undefined,
      newBinding: undefined,
    })
    expect(open().state.visitor).toMatchObject({ ipAddress: null, userAgent: null })
  })

  it('is bound to the address with ANNUL_BIND=ip, where that is known', () => {
    const binding = bindAddress('203.0.113.7')
    expect(open({}, strict, '203.0.113.7').state.visitor).toMatchObject({ binding, newBinding: binding })
    expect(open({}, strict).state.visitor).toMatchObject({ binding: undefined, newBinding: undefined })
  })

  it('is bound to a cookie with ANNUL_BIND=cookie, and to a new one where there is none', () => {
    const binding = bindFingerprint('the value')
    const cookie = '__Host-annul-fingerprint=the value'
    const known = open({ cookie }, byCookie, '203.0.113.7')
    expect(known.state.visitor).toMatchObject({ ipAddress: '203.0.113.7', binding, newBinding: binding })
    known.state.cookies.keepFingerprint()
    expect(known.answer).toEqual([])
    for (const headers of [{}, { cookie: '__Host-annul-fingerprint=' }]) {
      const { state, answer } = open(headers, byCookie)
      const { binding, newBinding } = state.visitor
      expect(binding).toBeFalsy()
      state.cookies.keepFingerprint()
      const [, value = ''] = /^__Host-annul-fingerprint=([^;]+);/.exec(answer[0]?.[1] ?? '') ?? []
      expect(newBinding).toBe(bindFingerprint(value))
    }
  })
})

describe('the proof with which a request asks for a renewal', () => {
  const proof = createHmac('sha256', 'a key').update('a text').digest('base64url')
  const refreshCookie = (token: string) => `__Host-annul-refresh=${token}`
  const claims = () => ({ sessionId: tokens.session.id, generation: 1 })
  const readProof = (headers: RequestLike['headers']) => readRenewalProof(open(headers).state)

  it('is the text of the header, if it has the form of one', () => {
    expect(readProof({ 'annul-renew': proof })).toEqual({ proof })
    for (const text of ['', '0', '2', proof.slice(1), `${proof}=`, 'true'])
      expect(readProof({ 'annul-renew': text })).toBeUndefined()
    expect(readProof({})).toBeUndefined()
  })

  it('is with 1 an authentic refresh cookie of a page that is allowed', () => {
    const cookie = refreshCookie(server.auth.parts.refreshTokens.derive(claims()))
    const headers = { 'annul-renew': '1', cookie, origin: page }
    expect(readProof(headers)).toEqual({ cookie: claims() })
    expect(readProof({ cookie, origin: page })).toBeUndefined()
    expect(readProof({ ...headers, cookie: '' })).toBeUndefined()
    expect(readProof({ ...headers, cookie: refreshCookie('annul_rt_nonsense') })).toBeUndefined()
    expect(readProof({ ...headers, origin: 'https://evil.example' })).toBeUndefined()
    expect(readProof({ 'annul-renew': '1', cookie })).toBeUndefined()
    // A text beside the cookie is taken as a text.
    expect(readProof({ ...headers, 'annul-renew': proof })).toEqual({ proof })
  })

  it('is no cookie of the previous secret: a refresh makes one of the present secret', () => {
    const cookie = refreshCookie(refreshTokens(previousSecret).derive(claims()))
    expect(readProof({ 'annul-renew': '1', cookie, origin: page })).toBeUndefined()
  })
})

it('Anything that is no context of Annul’s is refused, with advice for the developer', () => {
  for (const other of [undefined, null, {}, { auth: {} }])
    expect(() => stateOf(other as never)).toThrow(
      new Error('The context has no "auth" of Annul: make it by `await auth.context(…)`.'),
    )
})
