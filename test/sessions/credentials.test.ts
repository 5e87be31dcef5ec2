import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import type { Parts } from '../../src/parts.ts'
import { isNewDevice } from '../../src/sessions/isNewDevice.ts'
import { login } from '../../src/sessions/login.ts'
import { reauthenticate } from '../../src/sessions/reauthenticate.ts'
import type { DeviceVisitor } from '../../src/viewer.ts'
import { useServer } from '../support/server.ts'
import { addApp } from './factorRows.ts'
import { deviceOf, laptop, metricsNoting, runNoting } from './notedParts.ts'
import { eventsOf, mailsOf, makePerson, type Person, setSession, setUser, visitorOf } from './person.ts'

/* What a password opens, and what is written and told of it, without requests. Over HTTP: login.test.ts, signIn.test.ts. */

const server = useServer()
const password = 'the password of all of them'
let passwordHash: string
let ada: Person
beforeAll(async () => {
  passwordHash = await server.auth.parts.passwords.hash(password)
})
beforeEach(async () => {
  ada = await makePerson(server, { passwordHash })
})

/** The server's parts, which note what is asked of the limits and told to the metrics. */
function open(change: Partial<Parts> = {}, { isLocked = false } = {}) {
  const { parts } = server.auth
  const noted: string[] = []
  const attempts: unknown[][] = []
  const limits: Parts['limits'] = {
    ...parts.limits,
    async password(...all) {
      attempts.push(all)
      return {
        isLocked,
        async succeeded() {
          // Longer than the rest of the sign-in takes, which does not return before.
          await delay(200)
          noted.push('succeeded')
        },
        run: runNoting(noted),
      }
    },
  }
  const metrics = metricsNoting(parts, noted)
  const passwords: Parts['passwords'] = {
    ...parts.passwords,
    evenOut: async startedAt => void noted.push(`evened out ${performance.now() - startedAt < 60_000}`),
  }
  return { noted, attempts, parts: { ...parts, limits, metrics, passwords, ...change } as Parts }
}
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    error => error.extensions?.reason ?? error.extensions?.code ?? error.code ?? String(error.message),
  )

describe('a login', () => {
  it('opens a session for an e-mail in whatever spelling, and tells the device, the metrics and the audit', async () => {
    const opened = open()
    const device = deviceOf()
    const visitor = visitorOf({ device })
    const tokens = await login(opened.parts, visitor, { email: ada.email.toUpperCase(), password })
    expect(tokens.user.id).toBe(ada.userId)
    expect(tokens.session).toMatchObject({ cookie: false, userId: ada.userId })
    expect(opened.attempts).toEqual([[visitor, ada.email]])
    expect(opened.noted).toEqual(['succeeded', 'accepted'])
    expect(device.remembered).toEqual([ada.email])
    expect(await eventsOf(server, ada.userId)).toEqual([
      { kind: 'login', actor: ada.userId, session: tokens.session.id, detail: null, ...laptop },
    ])
    // The first sign-in of a new account is no news.
    expect(await mailsOf(server, ada.email)).toEqual([])
    expect(
      (await login(opened.parts, visitor, { email: ada.email, password, cookie: true })).session.cookie,
    ).toBe(true)
  })

  it.each<[string, () => SQL | undefined, string, boolean, string]>([
    ['a wrong password', () => undefined, 'not the password', false, 'wrong password'],
    ['no password', () => sql`password_hash = null`, password, false, 'wrong password'],
    ['a blocked user', () => sql`status = 'BLOCKED'`, password, false, 'blocked user'],
    [
      'a blocked user and a wrong password',
      () => sql`status = 'BLOCKED'`,
      'not the password',
      false,
      'wrong password',
    ],
    ['an account that takes no passwords', () => undefined, password, true, 'too many failures'],
  ])('with %s is refused, after the same work, and audited', async (_, change, tried, isLocked, detail) => {
    const set = change()
    if (set) await setUser(server, ada.userId, set)
    const opened = open({}, { isLocked })
    const device = deviceOf()
    const input = { email: ada.email, password: tried }
    expect(await reasonOf(login(opened.parts, visitorOf({ device }), input))).toBe('INVALID_CREDENTIALS')
    expect(opened.noted).toEqual(['refused', 'evened out true'])
    expect(device.remembered).toEqual([])
    expect(await eventsOf(server, ada.userId)).toEqual([
      { kind: 'login-failed', actor: null, session: null, detail, ...laptop },
    ])
  })

  it('of nobody is refused alike', async () => {
    for (const [isLocked, detail] of [
      [false, 'unknown user'],
      [true, 'unknown user'],
    ] as const) {
      const opened = open({}, { isLocked })
      const input = { email: `nobody-${ada.email}`, password }
      expect(await reasonOf(login(opened.parts, visitorOf(), input))).toBe('INVALID_CREDENTIALS')
      expect(opened.noted).toEqual(['refused', 'evened out true'])
      const [event] = await server.rows(sql`select kind, user_id, actor_id, detail from annul.audit_events
        where kind = 'login-failed' order by id desc limit 1`)
      expect(event).toEqual({ kind: 'login-failed', user_id: null, actor_id: null, detail })
    }
  })

  it('that is wrong in form is no attempt', async () => {
    const opened = open()
    const tryWith = (input: object) =>
      reasonOf(login(opened.parts, visitorOf(), { email: ada.email, password, ...input }))
    expect(await tryWith({ password: 'x'.repeat(257) })).toBe('PASSWORD_TOO_LONG')
    expect(await tryWith({ email: 'no address' })).toBe('EMAIL_INVALID')
    const argumentOf = async (input: object) =>
      (await login(opened.parts, visitorOf(), { email: ada.email, password, ...input }).catch(error => error))
        .extensions.argument
    expect(await argumentOf({ password: 'x'.repeat(257) })).toBe('input.password')
    expect(await argumentOf({ email: 'no address' })).toBe('input.email')
    expect([opened.attempts, opened.noted]).toEqual([[], []])
  })

  it('whose work fails was none', async () => {
    const passwords = {
      ...server.auth.parts.passwords,
      verify: () => Promise.reject(new Error('The queue is full.')),
    }
    const opened = open({ passwords })
    expect(await reasonOf(login(opened.parts, visitorOf(), { email: ada.email, password }))).toBe(
      'The queue is full.',
    )
    expect(opened.noted).toEqual(['undone'])
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it('renews a hash of other parameters, and leaves one that was changed meanwhile', async () => {
    const { parts } = server.auth
    const hashOf = async () => {
      const [row] = await server.rows<{ hash: string }>(
        sql`select password_hash as hash from annul.users where id = ${ada.userId}`,
      )
      return row?.hash
    }
    await login(open().parts, visitorOf(), { email: ada.email, password })
    expect(await hashOf()).toBe(passwordHash)
    const outdated = { ...parts.passwords, isOutdated: () => true, hash: async () => 'the new hash' }
    await login(open({ passwords: outdated }).parts, visitorOf(), { email: ada.email, password })
    expect(await hashOf()).toBe('the new hash')

    await setUser(server, ada.userId, sql`password_hash = ${passwordHash}`)
    const changing = {
      ...outdated,
      async hash() {
        await setUser(server, ada.userId, sql`password_hash = 'changed meanwhile'`)
        return 'the new hash'
      },
    }
    await login(open({ passwords: changing }).parts, visitorOf(), { email: ada.email, password })
    expect(await hashOf()).toBe('changed meanwhile')
  })

  it('gives the attempt back where the session could not be opened, since the password was right', async () => {
    const claims = () => {
      throw new Error('The teams are not there.')
    }
    const app = { ...server.auth.parts.app, claims } as unknown as Parts['app']
    const opened = open({ app })
    const device = deviceOf()
    const failure = reasonOf(login(opened.parts, visitorOf({ device }), { email: ada.email, password }))
    expect(await failure).toBe('The option "claims" threw an error.')
    expect([opened.noted, device.remembered]).toEqual([['succeeded'], []])
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it('waits for the next signing key before its transaction begins', async () => {
    const { parts } = server.auth
    const order: string[] = []
    const keys = { ...parts.keys, awaitCurrent: async () => void order.push('awaited') }
    const accessTokens: Parts['accessTokens'] = {
      ...parts.accessTokens,
      sign(...all) {
        order.push('signed')
        return parts.accessTokens.sign(...all)
      },
    }
    await login(open({ keys, accessTokens }).parts, visitorOf(), { email: ada.email, password })
    expect(order).toEqual(['awaited', 'signed'])
  })

  it('runs the app’s hook in its transaction, with the user', async () => {
    const called: unknown[] = []
    const signedIn = (_: unknown, user: { id: string }) => void called.push(user.id)
    const app = { ...server.auth.parts.app, hooks: { signedIn } } as unknown as Parts['app']
    await login(open({ app }).parts, visitorOf(), { email: ada.email, password })
    expect(called).toEqual([ada.userId])
  })

  it('of an account with a factor is asked for it, and opens nothing', async () => {
    await addApp(server, ada.userId)
    const opened = open()
    const device = deviceOf()
    const visitor = visitorOf({ device })
    const asked = login(opened.parts, visitor, { email: ada.email, password })
    await expect(asked).rejects.toMatchObject({
      extensions: { code: 'SECOND_FACTOR_REQUIRED', methods: ['TOTP'] },
    })
    expect([opened.noted, device.remembered]).toEqual([['succeeded', 'factor-asked'], []])
    const event = { kind: 'second-factor-asked', actor: null, session: null, detail: null, ...laptop }
    expect(await eventsOf(server, ada.userId)).toEqual([event])
    const sessions = await server.rows(sql`select from annul.sessions where user_id = ${ada.userId}`)
    expect(sessions).toEqual([])
  })

  it('is asked for a factor that was confirmed while the password was checked', async () => {
    const { parts } = server.auth
    const passwords: Parts['passwords'] = {
      ...parts.passwords,
      async verify(...all) {
        const right = await parts.passwords.verify(...all)
        await addApp(server, ada.userId)
        return right
      },
    }
    const opened = open({ passwords })
    const asked = login(opened.parts, visitorOf(), { email: ada.email, password })
    expect(await reasonOf(asked)).toBe('SECOND_FACTOR_REQUIRED')
    expect(opened.noted).toEqual(['succeeded', 'factor-asked'])
    expect(await eventsOf(server, ada.userId)).toMatchObject([{ kind: 'second-factor-asked' }])
  })

  it('carries a reset of the factors out whose time has come, and opens the session', async () => {
    await addApp(server, ada.userId)
    await setUser(server, ada.userId, sql`factors_end_at = now() + interval '1 minute'`)
    const { parts } = open()
    const sign = () => login(parts, visitorOf(), { email: ada.email, password })
    expect(await reasonOf(sign())).toBe('SECOND_FACTOR_REQUIRED')
    await setUser(server, ada.userId, sql`factors_end_at = now()`)
    const { session } = await sign()
    expect(await eventsOf(server, ada.userId)).toMatchObject([
      { kind: 'second-factor-asked' },
      { kind: 'reset-factors', detail: 'the delay was over' },
      { kind: 'login', session: session.id },
    ])
    // A reset that waits where there are no factors changes nothing.
    await setUser(server, ada.userId, sql`factors_end_at = now()`)
    await sign()
    expect(await eventsOf(server, ada.userId)).toHaveLength(4)
  })

  it('on a new device is told to the owner', async () => {
    await login(open().parts, visitorOf(), { email: ada.email, password })
    await login(open().parts, visitorOf({ ipAddress: '198.51.100.9' }), { email: ada.email, password })
    expect(await mailsOf(server, ada.email)).toEqual(['new-device'])
  })
})

describe('a device', () => {
  const isNew = async (visitor: DeviceVisitor, user: object = {}, sessionId = ada.userId) => {
    const of = { id: ada.userId, emailKey: ada.email, createdAt: new Date(), ...user }
    return server.auth.parts.db.transaction(tx => isNewDevice(tx, visitor, of, sessionId))
  }
  const elsewhere = () => visitorOf({ ipAddress: '198.51.100.9' })
  const dayAgo = new Date(Date.now() - 25 * 3_600_000)

  it('is new to an account that has signed in before, or that is older than a day', async () => {
    expect(await isNew(elsewhere())).toBe(false)
    expect(await isNew(elsewhere(), { createdAt: dayAgo })).toBe(true)
    const { sessionId } = await ada.signIn()
    expect(await isNew(elsewhere())).toBe(true)
    // The sign-in itself is none before.
    expect(await isNew(elsewhere(), {}, sessionId)).toBe(false)
    const bob = await makePerson(server)
    expect(await isNew(elsewhere(), { id: bob.userId })).toBe(false)
  })

  it('is not new where the device knows the account, or the account has no e-mail', async () => {
    await ada.signIn()
    expect(await isNew({ ...elsewhere(), device: deviceOf(ada.email) })).toBe(false)
    expect(await isNew({ ...elsewhere(), device: deviceOf('bob@example.com') })).toBe(true)
    expect(await isNew(elsewhere(), { emailKey: null })).toBe(false)
  })

  it('is known by its User-Agent and its address together, which may both be missing', async () => {
    await ada.signIn()
    expect(await isNew(visitorOf())).toBe(false)
    expect(await isNew(visitorOf({ userAgent: 'another' }))).toBe(true)
    expect(await isNew(visitorOf({ userAgent: null }))).toBe(true)
    expect(await isNew(visitorOf({ ipAddress: null }))).toBe(true)
    const { sessionId } = await ada.signIn()
    await setSession(server, sessionId, sql`user_agent = null, ip_address = null`)
    expect(await isNew(visitorOf({ userAgent: null, ipAddress: null }))).toBe(false)
  })

  it('is not told of where five came within the last hour', async () => {
    const sessions: string[] = []
    for (let at = 0; at < 5; at++) {
      const { sessionId } = await ada.signIn()
      await setSession(server, sessionId, sql`ip_address = ${`198.51.100.${10 + at}`}`)
      expect(await isNew(elsewhere())).toBe(at < 4)
      sessions.push(sessionId)
    }
    await setSession(server, sessions[0] ?? '', sql`created_at = now() - interval '61 minutes'`)
    expect(await isNew(elsewhere())).toBe(true)
    await setSession(server, sessions[0] ?? '', sql`created_at = now() - interval '59 minutes'`)
    expect(await isNew(elsewhere())).toBe(false)
    // Twice the same is one.
    await setSession(server, sessions[0] ?? '', sql`ip_address = '198.51.100.11'`)
    expect(await isNew(elsewhere())).toBe(true)
  })
})

describe('a reauthentication', () => {
  it('is an access token with the time of the proof, and leaves the session as it is', async () => {
    const { tokens, viewer } = await ada.signIn()
    await setSession(server, viewer.sessionId, sql`auth_time = now() - interval '1 hour'`)
    const opened = open()
    const proved = await reauthenticate(opened.parts, viewer, { password })
    const claims = server.auth.parts.accessTokens.verify(proved.accessToken)
    if (typeof claims === 'string') throw new Error(claims)
    expect(claims.auth_time).toBe(claims.iat)
    expect(proved.refreshToken).toBe(tokens.refreshToken)
    expect(opened.attempts).toEqual([[viewer, ada.email, viewer.sessionId]])
    expect(opened.noted).toEqual(['succeeded'])
    expect(await eventsOf(server, ada.userId)).toEqual([
      { kind: 'reauthenticate', actor: ada.userId, session: viewer.sessionId, detail: null, ...laptop },
    ])
  })

  it.each<[string, string, boolean]>([
    ['a wrong password', 'not the password', false],
    ['an account that takes no passwords', password, true],
  ])('with %s is refused, and audited', async (_, tried, isLocked) => {
    const { viewer } = await ada.signIn()
    const opened = open({}, { isLocked })
    expect(await reasonOf(reauthenticate(opened.parts, viewer, { password: tried }))).toBe(
      'INVALID_CREDENTIALS',
    )
    expect(opened.noted).toEqual([])
    expect(await eventsOf(server, ada.userId)).toMatchObject([
      { kind: 'reauthenticate-failed', actor: ada.userId, session: viewer.sessionId },
    ])
  })

  it('whose work fails was none', async () => {
    const { viewer } = await ada.signIn()
    const passwords = {
      ...server.auth.parts.passwords,
      verify: () => Promise.reject(new Error('The queue is full.')),
    }
    const opened = open({ passwords })
    expect(await reasonOf(reauthenticate(opened.parts, viewer, { password }))).toBe('The queue is full.')
    expect([opened.noted, await eventsOf(server, ada.userId)]).toEqual([['undone'], []])
  })

  it('is refused with a password that is too long, and in a session that is over', async () => {
    const { viewer } = await ada.signIn()
    const opened = open()
    const long = reauthenticate(opened.parts, viewer, { password: 'x'.repeat(257) })
    await expect(long).rejects.toMatchObject({
      extensions: { reason: 'PASSWORD_TOO_LONG', argument: 'password' },
    })
    await setSession(server, viewer.sessionId, sql`ended_at = now(), end_reason = 'LOGGED_OUT'`)
    expect(await reasonOf(reauthenticate(opened.parts, viewer, { password }))).toBe('LOGGED_OUT')
    expect(opened.attempts).toEqual([])
  })

  it('is limited by the session where the user has no e-mail', async () => {
    const { viewer } = await ada.signIn()
    await setUser(server, ada.userId, sql`email = null, email_key = null`)
    const opened = open()
    await reauthenticate(opened.parts, viewer, { password })
    expect(opened.attempts).toEqual([[viewer, '', viewer.sessionId]])
  })
})
