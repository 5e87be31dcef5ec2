import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { OutageError } from '../../src/database/outage.ts'
import { tooManyRequests } from '../../src/errors.ts'
import type { Parts } from '../../src/parts.ts'
import { beginPasskeyLogin } from '../../src/sessions/beginPasskey.ts'
import { passkeyLogin } from '../../src/sessions/passkeyLogin.ts'
import { readCredentials } from '../../src/sessions/readCredentials.ts'
import { type Challenge, flag, generateKey, synced } from '../support/authenticator.ts'
import { mailsTo } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'
import { challengeFor, givePasskey, type HeldPasskey, passkeyRow, spentSeconds } from './heldPasskey.ts'
import { deviceOf, laptop, noDatabase, noteParts, passkeyInvalid, toldOf } from './notedParts.ts'
import { eventsOf, makePerson, type Person, setUser, visitorOf } from './person.ts'

/* What a passkey alone opens, and what is written and told of it, without requests. Its proof: passkeySteps.test.ts. */

const server = useServer()
let ada: Person
let key: HeldPasskey
beforeEach(async () => {
  ada = await makePerson(server)
  key = await givePasskey(server, ada.userId)
})

const ask = (bound: string) => challengeFor(server, bound)
const refusal = passkeyInvalid('input.response')

describe('a sign-in by a passkey alone', () => {
  const lastEvent = async () => {
    const [event] = await server.rows(
      sql`select kind, user_id as "user", actor_id as actor, host(ip_address) as address, device, detail
        from annul.audit_events order by id desc limit 1`,
    )
    return event
  }
  const change = (set: SQL) => server.rows(sql`update annul.factors set ${set} where id = ${key.factorId}`)
  const sessionsOf = ({ userId }: Person) =>
    server.rows(sql`select 1 from annul.sessions where user_id = ${userId}`)

  it('opens a session with both factors, and tells the device, the limits, the metrics and the audit', async () => {
    const opened = noteParts(server)
    const device = deviceOf()
    const visitor = visitorOf({ device })
    const challenge = await beginPasskeyLogin(opened.parts)
    const tokens = await passkeyLogin(opened.parts, visitor, key.answer(challenge))
    expect(tokens.user.id).toBe(ada.userId)
    const claims = server.auth.parts.accessTokens.verify(tokens.accessToken)
    const amr = ['swk', 'user', 'mfa']
    expect(claims).toMatchObject({ sub: ada.userId, sid: tokens.session.id, amr })
    const sessions = await server.rows(sql`
      select id, cookie, array_to_json(amr) as amr, array_to_json(factor_ids) as factors
      from annul.sessions where user_id = ${ada.userId}`)
    expect(sessions).toEqual([{ id: tokens.session.id, cookie: false, amr, factors: [key.factorId] }])
    expect(opened.noted).toEqual([[visitor, 'passkey', {}], 'given back', `proved ${ada.email}`, 'accepted'])
    expect(device.remembered).toEqual([ada.email, `factor ${ada.userId}`])
    expect(await eventsOf(server, ada.userId)).toEqual([
      { kind: 'login', actor: ada.userId, session: tokens.session.id, detail: 'by a passkey', ...laptop },
    ])
    expect(await passkeyRow(server, key.factorId)).toMatchObject({ counter: 6 })
    expect(await spentSeconds(server, challenge.id)).toBeGreaterThan(0)
    // The first sign-in of a new account is no news.
    expect(await mailsTo(server, ada.email)).toEqual([])
  })

  it('sets a cookie where it is asked to, and tells the owner of a new device', async () => {
    const { parts } = noteParts(server)
    for (const [cookie, ipAddress] of [
      [true, '203.0.113.7'],
      [false, '198.51.100.9'],
    ] as const) {
      const answer = key.answer(await beginPasskeyLogin(parts))
      const tokens = await passkeyLogin(parts, visitorOf({ ipAddress }), { ...answer, cookie })
      expect(tokens.session.cookie).toBe(cookie)
    }
    expect(await mailsTo(server, ada.email)).toMatchObject([{ kind: 'new-device' }])
  })

  it('needs no e-mail', async () => {
    await setUser(server, ada.userId, sql`email = null, email_key = null`)
    const opened = noteParts(server)
    const device = deviceOf()
    await passkeyLogin(opened.parts, visitorOf({ device }), key.answer(await beginPasskeyLogin(opened.parts)))
    expect(opened.noted.slice(1)).toEqual(['given back', 'accepted'])
    expect(device.remembered).toEqual([`factor ${ada.userId}`])
  })

  it('stops a reset of the factors', async () => {
    await setUser(server, ada.userId, sql`factors_end_at = now() + interval '1 hour'`)
    const { parts } = noteParts(server)
    await passkeyLogin(parts, visitorOf(), key.answer(await beginPasskeyLogin(parts)))
    const kinds = (await eventsOf(server, ada.userId)).map(({ kind }) => kind)
    expect(kinds).toEqual(['stop-factor-reset', 'login'])
    expect((await readCredentials(parts.db, { id: ada.userId }))?.user.factorsEndAt).toBeNull()
  })

  it.each<[string, () => unknown, (() => Challenge) | undefined, object]>([
    ['by an unknown passkey', () => change(sql`credential_id = ${randomUUID()}`), undefined, {}],
    ['by a wrong signature', () => {}, undefined, { key: generateKey('ES256').privateKey }],
    ['without a verified user', () => {}, undefined, { flags: synced & ~flag.UV }],
    ['without a user handle', () => {}, undefined, { userHandle: null }],
    ['by a key that has never verified its user', () => change(sql`uv_initialized = false`), undefined, {}],
    ['with the challenge of a login', () => {}, () => ask(`login ${randomUUID()}`), {}],
    ['with the challenge of a session', () => {}, () => ask(`session ${randomUUID()}`), {}],
  ])('%s is refused, charged and audited, and tells of nobody', async (_, prepare, ask, tampering) => {
    await prepare()
    const opened = noteParts(server)
    const visitor = visitorOf({ device: deviceOf() })
    const challenge = ask?.() ?? (await beginPasskeyLogin(opened.parts))
    const signedIn = passkeyLogin(opened.parts, visitor, key.answer(challenge, tampering))
    expect(await toldOf(signedIn)).toEqual(refusal)
    expect(opened.noted).toEqual([[visitor, 'passkey', {}], 'refused'])
    expect(opened.causes).toHaveLength(1)
    expect(visitor.device).toMatchObject({ remembered: [] })
    expect(await lastEvent()).toEqual({
      ...{ kind: 'login-failed', user: null, actor: null, detail: 'passkey', ...laptop },
    })
    expect(await sessionsOf(ada)).toEqual([])
    expect(await spentSeconds(server, challenge.id)).toBeUndefined()
  })

  it('of a blocked user is refused alike, and audited with its user', async () => {
    await setUser(server, ada.userId, sql`status = 'BLOCKED'`)
    const opened = noteParts(server)
    const visitor = visitorOf()
    const challenge = await beginPasskeyLogin(opened.parts)
    expect(await toldOf(passkeyLogin(opened.parts, visitor, key.answer(challenge)))).toEqual(refusal)
    expect(opened.noted).toEqual([[visitor, 'passkey', {}], 'refused'])
    expect(await lastEvent()).toEqual({
      ...{ kind: 'login-failed', user: ada.userId, actor: null, detail: 'blocked user', ...laptop },
    })
    expect(await passkeyRow(server, key.factorId)).toMatchObject({ counter: 5, used_seconds_ago: null })
    expect(await spentSeconds(server, challenge.id)).toBeUndefined()
    expect(await sessionsOf(ada)).toEqual([])
  })

  it('with a counter too low is told of as a copy, and as a failed login', async () => {
    const opened = noteParts(server)
    const challenge = await beginPasskeyLogin(opened.parts)
    const signedIn = passkeyLogin(opened.parts, visitorOf(), key.answer(challenge, { counter: 5 }))
    expect(await toldOf(signedIn)).toEqual(refusal)
    expect(opened.noted.slice(1)).toEqual([['passkey-cloned', ada.email], 'refused'])
    expect(await eventsOf(server, ada.userId)).toMatchObject([{ kind: 'passkey-cloned' }])
    expect(await lastEvent()).toMatchObject({ kind: 'login-failed', user: null, detail: 'passkey' })
  })

  it('is refused before anything is looked at, where the address has no room', async () => {
    const limits = { ...server.auth.parts.limits, charge: () => Promise.reject(tooManyRequests(7)) }
    const opened = noteParts(server, { limits, db: noDatabase })
    const answer = key.answer(ask('sign-in'))
    expect(await toldOf(passkeyLogin(opened.parts, visitorOf(), answer))).toMatchObject({
      ...{ code: 'TOO_MANY_REQUESTS', retryAfter: 7 },
    })
    expect([opened.noted, opened.causes]).toEqual([[], []])
  })

  it.each<[string, Error]>([
    ['an outage', new OutageError(new Error('The database was stopped.'))],
    ['another refusal', tooManyRequests(7)],
    ['a bug with the code of a refusal', Object.assign(new Error('A bug.'), { code: 'BAD_USER_INPUT' })],
  ])('that ends in %s was no attempt, and the error is thrown', async (_, error) => {
    const db = {
      select() {
        throw error
      },
    } as unknown as Parts['db']
    const opened = noteParts(server, { db })
    const visitor = visitorOf()
    const signedIn = passkeyLogin(opened.parts, visitor, key.answer(ask('sign-in')))
    await expect(signedIn).rejects.toBe(error)
    expect(opened.noted).toEqual([[visitor, 'passkey', {}], 'undone'])
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it('gives the attempt back where the session could not be opened, and the passkey is not used up', async () => {
    const claims = () => {
      throw new Error('The teams are not there.')
    }
    const app = { ...server.auth.parts.app, claims } as unknown as Parts['app']
    const opened = noteParts(server, { app })
    const device = deviceOf()
    const challenge = await beginPasskeyLogin(opened.parts)
    const answer = key.answer(challenge)
    const signedIn = passkeyLogin(opened.parts, visitorOf({ device }), answer)
    expect(await toldOf(signedIn)).toBe('The option "claims" threw an error.')
    expect([opened.noted.slice(1), device.remembered]).toEqual([['given back'], []])
    expect(await eventsOf(server, ada.userId)).toEqual([])
    expect(await passkeyRow(server, key.factorId)).toMatchObject({ counter: 5, used_seconds_ago: null })
    expect(await spentSeconds(server, challenge.id)).toBeUndefined()
    await passkeyLogin(noteParts(server).parts, visitorOf(), answer)
  })

  it('that another request has overtaken is refused, and opens nothing', async () => {
    const opened = noteParts(server)
    const answer = key.answer(await beginPasskeyLogin(opened.parts))
    const { keys } = opened.parts
    // Between the check and the transaction.
    const awaitCurrent = async () => void (await passkeyLogin(noteParts(server).parts, visitorOf(), answer))
    const late = { ...opened.parts, keys: { ...keys, awaitCurrent } }
    expect(await toldOf(passkeyLogin(late, visitorOf(), answer))).toEqual(refusal)
    expect(opened.noted.slice(1)).toEqual(['given back'])
    expect(await sessionsOf(ada)).toHaveLength(1)
    expect(await eventsOf(server, ada.userId)).toMatchObject([{ kind: 'login' }])
  })

  it('waits for the next signing key before its transaction begins', async () => {
    const { parts } = server.auth
    const order: string[] = []
    const keys = { ...parts.keys, awaitCurrent: async () => void order.push('awaited') }
    const db = new Proxy(parts.db, {
      get(target, name) {
        if (name === 'transaction') order.push('began')
        const member = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    await passkeyLogin(noteParts(server, { keys, db }).parts, visitorOf(), key.answer(ask('sign-in')))
    expect(order).toEqual(['awaited', 'began'])
  })

  it('runs the app’s hook in its transaction, with the user', async () => {
    const called: unknown[] = []
    const signedIn = (_: unknown, user: { id: string }) => void called.push(user.id)
    const app = { ...server.auth.parts.app, hooks: { signedIn } } as unknown as Parts['app']
    await passkeyLogin(noteParts(server, { app }).parts, visitorOf(), key.answer(ask('sign-in')))
    expect(called).toEqual([ada.userId])
  })
})
