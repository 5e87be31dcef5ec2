import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { fence } from '../../src/revocation/fence.ts'
import { findSessions } from '../../src/sessions/findSessions.ts'
import { forgottenSessions } from '../../src/sessions/forgottenSessions.ts'
import { listSessions } from '../../src/sessions/listSessions.ts'
import { logoutByRefreshToken, logoutViewer } from '../../src/sessions/logout.ts'
import { revokeSession } from '../../src/sessions/revokeSession.ts'
import { revokeOtherSessions, revokeSessions } from '../../src/sessions/revokeSessions.ts'
import {
  endOf,
  lockSession,
  lockViewer,
  readLiveSession,
  readSession,
} from '../../src/sessions/sessionState.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import {
  eventsOf,
  makePerson,
  type Person,
  type SignedIn,
  sessionRow,
  setSession,
  setUser,
  visitorOf,
} from './person.ts'

/* What the verbs that end sessions write and answer, without requests. Over HTTP: logout.test.ts, revokeSessions.test.ts. */

const server = useServer()
const parts = () => server.auth.parts
const onlyPostgres = onPostgres ? it : it.skip
let ada: Person
let laptop: SignedIn
let phone: SignedIn
beforeEach(async () => {
  ada = await makePerson(server)
  laptop = await ada.signIn()
  phone = await ada.signIn()
})

const browser = { address: '203.0.113.7', device: 'Firefox on Linux', detail: null }
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    value => value,
    error => error.extensions?.reason ?? error.extensions?.code ?? error.code ?? String(error),
  )
const verdictOf = (tokens: SignedIn['tokens']) => {
  const claims = parts().accessTokens.verify(tokens.accessToken)
  return typeof claims === 'string' ? claims : parts().revocation.view.verdict(claims)
}

/** Ways in which a session can be over, and the reason that is told then. */
const endings: [string, string, (sessionId: string, userId: string) => Promise<unknown>][] = [
  ['its idle end', 'SESSION_EXPIRED', id => setSession(server, id, sql`idle_expires_at = now()`)],
  ['its absolute end', 'SESSION_EXPIRED', id => setSession(server, id, sql`expires_at = now()`)],
  ['a logout', 'LOGGED_OUT', id => setSession(server, id, sql`ended_at = now(), end_reason = 'LOGGED_OUT'`)],
  ['an end without a reason', 'SESSION_REVOKED', id => setSession(server, id, sql`ended_at = now()`)],
  [
    'a version that was raised',
    'PASSWORD_CHANGED',
    (_, id) =>
      setUser(server, id, sql`session_version = session_version + 1, session_reason = 'PASSWORD_CHANGED'`),
  ],
  [
    'a block',
    'USER_BLOCKED',
    (_, id) => setUser(server, id, sql`status = 'BLOCKED', session_reason = 'USER_BLOCKED'`),
  ],
  ['an epoch that has passed', 'EVERYTHING_REVOKED', id => setSession(server, id, sql`epoch = epoch - 1`)],
]

describe('a session', () => {
  const session = { sessionVersion: 2, epoch: 5, endedAt: null, endReason: null }
  const user = { sessionVersion: 2, sessionReason: 'PASSWORD_CHANGED', status: 'ACTIVE' }
  const live = { session, user, epoch: 5, expired: false } as Parameters<typeof endOf>[0]

  it.each<[string, string | undefined, Partial<typeof live>]>([
    ['that lives', undefined, {}],
    ['of a version above', undefined, { session: { ...live.session, sessionVersion: 3, epoch: 6 } }],
    ['whose time is over', 'SESSION_EXPIRED', { expired: true }],
    [
      'that was ended',
      'LOGGED_OUT',
      { session: { ...live.session, endedAt: new Date(), endReason: 'LOGGED_OUT' }, expired: true },
    ],
    [
      'that was ended for a reason of a later version',
      'SESSION_REVOKED',
      { session: { ...live.session, endedAt: new Date(), endReason: 'LATER' } },
    ],
    ['with a reason, but no end', undefined, { session: { ...live.session, endReason: 'LOGGED_OUT' } }],
    [
      'of a lower version',
      'PASSWORD_CHANGED',
      { session: { ...live.session, sessionVersion: 1, endedAt: new Date() } },
    ],
    [
      'of a user who is not active',
      'PASSWORD_CHANGED',
      { user: { ...live.user, status: 'BLOCKED' }, expired: true },
    ],
    ['of a former epoch', 'EVERYTHING_REVOKED', { epoch: 6, user: { ...live.user, status: 'BLOCKED' } }],
  ])('%s is judged %s', (...[, reason, change]) => {
    expect(endOf({ ...live, ...change })).toBe(reason)
  })

  it.each(endings)('is found and listed until %s', async (_, reason, end) => {
    const ids = async () => [
      (await findSessions(parts(), [laptop.sessionId, phone.sessionId])).map(({ id }) => id).sort(),
      (await listSessions(parts(), ada.userId)).map(({ id }) => id).sort(),
    ]
    const both = [laptop.sessionId, phone.sessionId].sort()
    expect(await ids()).toEqual([both, both])
    const read = await readLiveSession(parts().db, laptop.sessionId)
    expect([read.session.id, read.user.id, read.expired]).toEqual([laptop.sessionId, ada.userId, false])
    expect(Math.abs(read.readAt - parts().clock.now())).toBeLessThan(5)

    await end(laptop.sessionId, ada.userId)
    const left = reason === 'PASSWORD_CHANGED' || reason === 'USER_BLOCKED' ? [] : [phone.sessionId]
    expect(await ids()).toEqual([left, left])
    expect(await reasonOf(readLiveSession(parts().db, laptop.sessionId))).toBe(reason)
    const state = await readSession(parts().db, laptop.sessionId)
    expect(state?.expired).toBe(reason === 'SESSION_EXPIRED')
    expect(await reasonOf(logoutByRefreshToken(parts(), visitorOf(), laptop.tokens.refreshToken))).toBe(false)
  })

  it('of nobody is over', async () => {
    const none = randomUUID()
    expect(await readSession(parts().db, none)).toBeUndefined()
    expect(await reasonOf(readLiveSession(parts().db, none))).toBe('SESSION_EXPIRED')
    expect(await findSessions(parts(), [none])).toEqual([])
    expect(await listSessions(parts(), none)).toEqual([])
  })

  it('stands before those that were used less lately', async () => {
    const [first, second, third] = [laptop, phone, await ada.signIn()].map(({ sessionId }) => sessionId)
    const order = async () => (await listSessions(parts(), ada.userId)).map(({ id }) => id)
    for (const [id, minutes] of [
      [first, 2],
      [second, 1],
      [third, 3],
    ] as const)
      await setSession(server, id ?? '', sql`last_used_at = now() - make_interval(mins => ${minutes})`)
    expect(await order()).toEqual([second, first, third])
    await setSession(server, first ?? '', sql`last_used_at = now()`)
    expect(await order()).toEqual([first, second, third])
    for (const [id, minutes] of [
      [first, 2],
      [second, 1],
      [third, 3],
    ] as const)
      await setSession(
        server,
        id ?? '',
        sql`last_used_at = '2026-01-01', created_at = now() - make_interval(mins => ${minutes})`,
      )
    expect(await order()).toEqual([second, first, third])
  })

  it('is forgotten a month after its end, whichever that was', async () => {
    await server.rows(sql`delete from annul.sessions where user_id <> ${ada.userId}`)
    const far = sql`ended_at = null, idle_expires_at = now() + interval '1 day', expires_at = now() + interval '1 day'`
    const set = (change: SQL) =>
      setSession(server, laptop.sessionId, sql`${far}`).then(() =>
        setSession(server, laptop.sessionId, change),
      )
    for (const column of ['ended_at', 'idle_expires_at', 'expires_at']) {
      await set(sql`${sql.identifier(column)} = now() - interval '29 days'`)
      expect(await server.rows(forgottenSessions(10))).toEqual([])
    }
    await set(sql`ended_at = now() - interval '31 days'`)
    await setSession(server, phone.sessionId, sql`expires_at = now() - interval '31 days'`)
    const third = await ada.signIn()
    await setSession(server, third.sessionId, sql`idle_expires_at = now() - interval '31 days'`)
    const kept = await ada.signIn()
    expect(await server.rows(forgottenSessions(2))).toHaveLength(2)
    expect(await server.rows(forgottenSessions(2))).toHaveLength(1)
    const left = await server.rows<{ id: string }>(sql`select id from annul.sessions`)
    expect(left.map(({ id }) => id)).toEqual([kept.sessionId])
  })
})

describe('the lock of a session', () => {
  /** Whether another transaction may lock the row at once. */
  const isFree = async (table: 'users' | 'sessions', id: string) => {
    const found = await server.rows(
      sql`select 1 from ${sql.identifier('annul')}.${sql.identifier(table)} where id = ${id} for no key update skip locked`,
    )
    return found.length === 1
  }

  onlyPostgres('is held on the session and on its user, and on no other', async () => {
    const bob = await (await makePerson(server)).signIn()
    await parts().db.transaction(async tx => {
      await lockSession(tx, laptop.sessionId)
      expect(await isFree('sessions', laptop.sessionId)).toBe(false)
      expect(await isFree('users', ada.userId)).toBe(false)
      expect(await isFree('sessions', phone.sessionId)).toBe(true)
      expect(await isFree('users', bob.viewer.userId)).toBe(true)
    })
    expect(await isFree('sessions', laptop.sessionId)).toBe(true)
  })

  onlyPostgres('is taken on the user first, as everywhere', async () => {
    await parts().db.transaction(async tx => {
      await tx.execute(sql`select 1 from annul.users where id = ${ada.userId} for no key update`)
      const waiting = parts().db.transaction(other => lockSession(other, laptop.sessionId))
      for (let tries = 0; tries < 20; tries++) {
        expect(await isFree('sessions', laptop.sessionId)).toBe(true)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      void waiting
    })
  })

  it('of a viewer is what is read under it, or the reason why the session is over', async () => {
    const locked = await parts().db.transaction(tx => lockViewer(tx, laptop.viewer))
    expect([locked.session.id, locked.user.id]).toEqual([laptop.sessionId, ada.userId])
    await setSession(server, laptop.sessionId, sql`ended_at = now(), end_reason = 'LOGGED_OUT'`)
    expect(await reasonOf(parts().db.transaction(tx => lockViewer(tx, laptop.viewer)))).toBe('LOGGED_OUT')
  })
})

describe('what was asked for by a token that is dead by then', () => {
  const over = (sessionId: string) =>
    setSession(server, sessionId, sql`ended_at = now(), end_reason = 'LOGGED_OUT'`)
  type Verb = (laptop: SignedIn, phone: SignedIn) => Promise<unknown>
  const verbs: [string, Verb][] = [
    [
      'a logout by the refresh token',
      ({ tokens }) => logoutByRefreshToken(parts(), visitorOf(), tokens.refreshToken),
    ],
    ['a logout by the access token', ({ viewer }) => logoutViewer(parts(), viewer)],
    ['revokeSession', ({ sessionId }, { viewer }) => revokeSession(parts(), viewer, { id: sessionId })],
    ['revokeSessions', ({ viewer }) => revokeSessions(parts(), viewer)],
    ['revokeOtherSessions', ({ viewer }) => revokeOtherSessions(parts(), viewer)],
  ]

  onlyPostgres.each(verbs)(
    'has ended when %s returns, though another has ended the session',
    async (_, verb) => {
      const bob = await makePerson(server)
      const others: [SignedIn, SignedIn] = [await bob.signIn(), await bob.signIn()]
      await over(others[0].sessionId)
      let isDone = false
      let returned: Promise<unknown> = Promise.resolve()
      await parts().db.transaction(async tx => {
        await fence(tx, laptop.viewer)
        await over(laptop.sessionId)
        returned = reasonOf(verb(laptop, phone)).then(() => {
          isDone = true
        })
        // The same of somebody for whom nobody waits takes as long as the rest of it does.
        await reasonOf(verb(...others))
        await new Promise(resolve => setTimeout(resolve, 100))
        expect(isDone).toBe(false)
      })
      await returned
      expect(isDone).toBe(true)
    },
  )
})

describe('a logout', () => {
  const event = (session: SignedIn) => ({
    ...{ kind: 'logout', actor: ada.userId, session: session.sessionId },
    ...browser,
  })

  it('by the access token ends this session, once, and tells the wait', async () => {
    const { viewer } = laptop
    const visitor = visitorOf()
    expect(await logoutViewer(parts(), { ...viewer, revoked: visitor.revoked })).toBe(true)
    expect(visitor.waited).toHaveLength(1)
    expect(await sessionRow(server, laptop.sessionId)).toMatchObject({ end_reason: 'LOGGED_OUT' })
    expect(await sessionRow(server, phone.sessionId)).toMatchObject({ ended_at: null })
    expect([verdictOf(laptop.tokens), verdictOf(phone.tokens)]).toEqual(['LOGGED_OUT', undefined])
    expect(await eventsOf(server, ada.userId)).toEqual([event(laptop)])
    // Behind the fence: the token is dead.
    expect(await reasonOf(logoutViewer(parts(), viewer))).toBe('LOGGED_OUT')
  })

  it('by a refresh token of any generation ends its session, once', async () => {
    await setSession(server, laptop.sessionId, sql`generation = 5`)
    const visitor = visitorOf({ ipAddress: '198.51.100.9', userAgent: null })
    const { refreshToken } = laptop.tokens
    expect(await logoutByRefreshToken(parts(), visitor, refreshToken)).toBe(true)
    expect(await logoutByRefreshToken(parts(), visitor, refreshToken)).toBe(false)
    expect(visitor.waited).toHaveLength(2)
    expect(await eventsOf(server, ada.userId)).toEqual([
      { ...event(laptop), address: '198.51.100.9', device: null },
    ])
    expect(verdictOf(laptop.tokens)).toBe('LOGGED_OUT')
    expect(await reasonOf(logoutByRefreshToken(parts(), visitor, 'annul_rt_nonsense'))).toBe('TOKEN_INVALID')
  })

  it('by the refresh token of a session that is gone ends nothing', async () => {
    const refreshToken = parts().refreshTokens.derive({ sessionId: randomUUID(), generation: 1 })
    expect(await logoutByRefreshToken(parts(), visitorOf(), refreshToken)).toBe(false)
  })
})

describe('revokeSession', () => {
  const revoke = (id: string) => reasonOf(revokeSession(parts(), laptop.viewer, { id }))

  it('ends another session of the viewer’s own, once', async () => {
    expect(await revoke(phone.sessionId.toUpperCase())).toBe(true)
    expect(await sessionRow(server, phone.sessionId)).toMatchObject({ end_reason: 'SESSION_REVOKED' })
    expect([verdictOf(laptop.tokens), verdictOf(phone.tokens)]).toEqual([undefined, 'SESSION_REVOKED'])
    expect(await eventsOf(server, ada.userId)).toEqual([
      { kind: 'revoke-session', actor: ada.userId, session: phone.sessionId, ...browser },
    ])
    expect(await revoke(phone.sessionId)).toBe(false)
    expect(await eventsOf(server, ada.userId)).toHaveLength(1)
  })

  it('ends no session of somebody else’s, and none that is not there', async () => {
    const bob = await (await makePerson(server)).signIn()
    for (const id of [bob.sessionId, randomUUID()]) expect(await revoke(id)).toBe(false)
    expect(await sessionRow(server, bob.sessionId)).toMatchObject({ ended_at: null })
    expect([await eventsOf(server, ada.userId), await eventsOf(server, bob.viewer.userId)]).toEqual([[], []])
    await expect(revokeSession(parts(), laptop.viewer, { id: 'no id' })).rejects.toMatchObject({
      extensions: { reason: 'ID_INVALID', argument: 'id' },
    })
  })
})

describe('revokeSessions', () => {
  it('ends all of the user', async () => {
    expect(await revokeSessions(parts(), laptop.viewer)).toBe(true)
    expect([verdictOf(laptop.tokens), verdictOf(phone.tokens)]).toEqual([
      'SESSIONS_REVOKED',
      'SESSIONS_REVOKED',
    ])
    expect(await listSessions(parts(), ada.userId)).toEqual([])
    expect(await eventsOf(server, ada.userId)).toEqual([
      { kind: 'revoke-sessions', actor: ada.userId, session: laptop.sessionId, ...browser },
    ])
    expect(await reasonOf(readLiveSession(parts().db, phone.sessionId))).toBe('SESSIONS_REVOKED')
  })
})

describe('revokeOtherSessions', () => {
  it('ends all but the viewer’s, which gets a new access token and keeps its refresh token', async () => {
    const tokens = await revokeOtherSessions(parts(), laptop.viewer)
    expect(tokens.refreshToken).toBe(laptop.tokens.refreshToken)
    expect(tokens.session.id).toBe(laptop.sessionId)
    expect([verdictOf(laptop.tokens), verdictOf(phone.tokens), verdictOf(tokens)]).toEqual([
      'SESSIONS_REVOKED',
      'SESSIONS_REVOKED',
      undefined,
    ])
    expect((await listSessions(parts(), ada.userId)).map(({ id }) => id)).toEqual([laptop.sessionId])
    expect(tokens.session.sessionVersion).toBe(
      (await readLiveSession(parts().db, laptop.sessionId)).user.sessionVersion,
    )
    expect(await eventsOf(server, ada.userId)).toEqual([
      { kind: 'revoke-other-sessions', actor: ada.userId, session: laptop.sessionId, ...browser },
    ])
  })

  it('is refused where the session has expired meanwhile, and changes nothing', async () => {
    await setSession(server, laptop.sessionId, sql`idle_expires_at = now()`)
    expect(await reasonOf(revokeOtherSessions(parts(), laptop.viewer))).toBe('SESSION_EXPIRED')
    expect(await eventsOf(server, ada.userId)).toEqual([])
    expect(verdictOf(phone.tokens)).toBeUndefined()
  })
})
