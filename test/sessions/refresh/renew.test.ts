import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Account, TokensAnswer } from '../../support/client.ts'
import { onPostgres } from '../../support/database.ts'
import { openForge } from '../../support/forge.ts'
import { makeAdmin, useSecondNode, useServer } from '../../support/server.ts'
import {
  accepted,
  bodyOf,
  claimsOf,
  me,
  newAttempt,
  refreshed,
  refused,
  renewalProof,
  rotate,
  snapshot,
} from './support.ts'

const onlyPostgres = onPostgres ? it : it.skip

interface Renewed {
  readonly accessToken: string
  readonly expiresIn: number
}

const server = useServer()
const second = useSecondNode(server)
let account: Account & TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
})

/** The token as it would be so many seconds later. Signed anew, because nobody waits seven minutes. */
function older(accessToken: string, seconds: number): string {
  const { iat, exp } = claimsOf(accessToken)
  return openForge(server, accessToken).make({ claims: { iat: iat - seconds, exp: exp - seconds } })
}

/** The refresh token of each access token that `openedAgo` has made. */
const refreshTokens = new Map<string, string>()

const proving = (token = '') => {
  const refreshToken = refreshTokens.get(token)
  return { 'annul-renew': refreshToken ? renewalProof(refreshToken, token) : 'A'.repeat(43) }
}

/** A session that was last refreshed so many seconds ago, and its access token. */
async function openedAgo(seconds: number, who: Account = account) {
  const tokens = await server.login(who)
  await server.rows(sql`update annul.sessions set rotated_at = rotated_at - make_interval(secs => ${seconds}),
    last_used_at = last_used_at - make_interval(secs => ${seconds}),
    idle_expires_at = idle_expires_at - make_interval(secs => ${seconds}) where id = ${tokens.session.id}`)
  const aged = older(tokens.accessToken, seconds)
  refreshTokens.set(aged, tokens.refreshToken)
  return { ...tokens, aged }
}

async function ask(
  token: string | undefined,
  query = '{ me { id } }',
  node = server,
  headers: object = proving(token),
) {
  const response = await fetch(`${node.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query }),
  })
  const { data, errors, extensions } = (await response.json()) as {
    data: unknown
    errors?: { extensions: { reason?: string } }[]
    extensions?: { annul?: Partial<Renewed> }
  }
  const { accessToken, expiresIn } = extensions?.annul ?? {}
  const renewed = accessToken === undefined ? undefined : { accessToken, expiresIn }
  return { data, reason: errors?.[0]?.extensions.reason, renewed, extensions }
}

const row = async (sessionId: string) => (await snapshot(server, sessionId)).session

describe('annul-renew', () => {
  it('brings a new access token in the last third, which works and is of the same session', async () => {
    const { aged, session } = await openedAgo(401)
    const before = await snapshot(server, session.id)
    const answer = await ask(aged)
    expect(answer).toMatchObject({ data: { me: { id: account.userId } }, reason: undefined })
    expect(Object.keys(answer.extensions?.annul ?? {})).toEqual(['accessToken', 'expiresIn'])
    expect(answer.renewed?.expiresIn).toBe(600)
    const token = answer.renewed?.accessToken ?? ''
    expect(await me(server, token)).toEqual(accepted(account.userId))
    const [old, claims] = [claimsOf(aged), claimsOf(token)]
    const { jti, iat, exp, ...rest } = old
    expect(claims).toMatchObject(rest)
    expect(claims.jti).not.toBe(jti)
    expect([claims.iat - iat >= 401, claims.exp - exp >= 401]).toEqual([true, true])

    const after = await snapshot(server, session.id)
    // The refresh token stays what it was: nothing rotates, and no row is added but the audit event.
    const { renewed_at, last_used_at, idle_expires_at } = after.session
    expect(after).toEqual({
      counts: { ...before.counts, auditEvents: Number(before.counts.auditEvents) + 1 },
      session: { ...before.session, renewed_at, last_used_at, idle_expires_at },
    })
    expect(Date.parse(String(last_used_at))).toBeGreaterThan(Date.parse(String(before.session.last_used_at)))
  })

  it.each([
    [0, false],
    [300, false],
    [390, false],
    [401, true],
    [580, true],
  ])('and not before it: of 600 s, %i s old: %p', async (seconds, due) => {
    const { aged } = await openedAgo(seconds)
    const { data, renewed } = await ask(aged)
    expect([data, renewed !== undefined]).toEqual([{ me: { id: account.userId } }, due])
  })

  it('only with the header, and only with a proof in it', async () => {
    const { aged, session } = await openedAgo(500)
    const before = await row(session.id)
    for (const value of [undefined, '', '0', '1', 'true', 'A'.repeat(43)])
      expect(
        (await ask(aged, undefined, server, value === undefined ? {} : { 'annul-renew': value })).extensions,
      ).toBeUndefined()
    expect(await row(session.id)).toEqual(before)
  })

  it('only for a guarded request', async () => {
    const { aged, session } = await openedAgo(500)
    const before = await row(session.id)
    expect((await ask(aged, '{ __typename }')).extensions).toBeUndefined()
    expect(await row(session.id)).toEqual(before)
  })

  it('at most once per session and minute', async () => {
    const { aged, session } = await openedAgo(500)
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(aged)))
    expect(answers.map(({ data }) => data)).toEqual(Array(20).fill({ me: { id: account.userId } }))
    expect(answers.filter(({ renewed }) => renewed)).toHaveLength(1)
    expect((await ask(aged)).renewed).toBeUndefined()
    await server.rows(
      sql`update annul.sessions set renewed_at = renewed_at - interval '50 s' where id = ${session.id}`,
    )
    expect((await ask(aged)).renewed).toBeUndefined()
    await server.rows(
      sql`update annul.sessions set renewed_at = renewed_at - interval '11 s' where id = ${session.id}`,
    )
    expect((await ask(aged)).renewed).toMatchObject({ expiresIn: 600 })
  })

  onlyPostgres('on all nodes together', async () => {
    const { aged } = await openedAgo(500)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(aged, undefined, index % 2 ? second : server)),
    )
    expect(answers.map(({ data }) => data)).toEqual(Array(20).fill({ me: { id: account.userId } }))
    const renewed = answers.flatMap(answer => answer.renewed ?? [])
    expect(renewed).toHaveLength(1)
    expect(await me(second, renewed[0]?.accessToken ?? '')).toEqual(accepted(account.userId))
  })

  it('each session has its own minute', async () => {
    const [one, other] = [await openedAgo(500), await openedAgo(500)]
    expect((await ask(one.aged)).renewed).toBeDefined()
    expect((await ask(other.aged)).renewed).toBeDefined()
  })
})

describe('a token is not renewed', () => {
  const endings: [string, () => Promise<{ who: Account; query: string; reason: string }>][] = [
    ['logout', async () => ({ who: account, query: 'mutation { logout }', reason: 'LOGGED_OUT' })],
    [
      'revokeSessions',
      async () => ({
        who: await server.signUp(),
        query: 'mutation { revokeSessions }',
        reason: 'SESSIONS_REVOKED',
      }),
    ],
  ]
  it.each(endings)('by the very request that ended its session, nor after it: %s', async (_, make) => {
    const { who, query, reason } = await make()
    const { aged, session } = await openedAgo(500, who)
    const ending = await ask(aged, query)
    expect([Object.values(ending.data ?? {}), ending.renewed]).toEqual([[true], undefined])
    expect(await ask(aged)).toMatchObject({ data: null, reason, renewed: undefined })
    expect((await row(session.id)).renewed_at).toBeNull()
  })

  it('whose session was ended by a theft', async () => {
    const { aged, refreshToken, session } = await openedAgo(500)
    await refreshed(server, refreshToken, newAttempt())
    expect(bodyOf(await server.refresh(refreshToken, newAttempt()))).toEqual(refused('REFRESH_REUSED'))
    expect(await ask(aged)).toMatchObject({ data: null, reason: 'REFRESH_REUSED', renewed: undefined })
    expect((await row(session.id)).renewed_at).toBeNull()
  })

  it('whose access was changed: by the very request, nor after it', async () => {
    const admin = await server.signUp()
    await makeAdmin(server, admin.email)
    const { aged, session } = await openedAgo(500, admin)
    const query = `mutation { setUserAccess(id: "${admin.userId}", roles: ["admin", "editor"]) { roles } }`
    const change = await ask(aged, query)
    expect(change).toMatchObject({
      data: { setUserAccess: { roles: ['admin', 'editor'] } },
      renewed: undefined,
    })
    expect(await ask(aged)).toMatchObject({ data: null, reason: 'ACCESS_CHANGED', renewed: undefined })
    expect((await row(session.id)).renewed_at).toBeNull()
  })

  it('that is older than its session’s last refresh: a thief’s copy ends with its time', async () => {
    const { refreshToken, session, accessToken } = await server.login(account)
    const copied = older(accessToken, 500)
    const next = await refreshed(server, refreshToken, newAttempt())
    // Even with the newest refresh token.
    refreshTokens.set(copied, next.refreshToken)
    const before = await row(session.id)
    expect(await ask(copied)).toMatchObject({ data: { me: { id: account.userId } }, renewed: undefined })
    expect(await row(session.id)).toEqual(before)
    // The owner's is of the refresh itself.
    await server.rows(
      sql`update annul.sessions set rotated_at = rotated_at - interval '500.01 s' where id = ${session.id}`,
    )
    const aged = older(next.accessToken, 500)
    refreshTokens.set(aged, next.refreshToken)
    expect((await ask(aged)).renewed).toBeDefined()
  })

  it('that has expired, is invalid or missing', async () => {
    const { aged, session } = await openedAgo(601)
    const answers = [await ask(aged), await ask('nonsense'), await ask(undefined)]
    expect(answers).toMatchObject([
      { data: null, reason: 'TOKEN_EXPIRED', renewed: undefined },
      { data: null, reason: 'TOKEN_INVALID', renewed: undefined },
      { data: null, reason: 'TOKEN_MISSING', renewed: undefined },
    ])
    expect((await row(session.id)).renewed_at).toBeNull()
  })
})

describe('a renewal', () => {
  it('is open to the first token of a session, however long its password was hashed', async () => {
    const { session, accessToken } = await server.login(account)
    const { rotated_at, auth_time } = await row(session.id)
    // Both are of the moment that the password's row was read in, as is the token.
    expect(rotated_at).toBe(auth_time)
    expect(claimsOf(accessToken).iat).toBe(Math.floor(Date.parse(String(rotated_at)) / 1000))
  })

  const ends = async (sessionId: string) => {
    const [found] = await server.rows<{ idle: number; max: number }>(sql`
      select extract(epoch from idle_expires_at - now())::float8 as idle,
        extract(epoch from expires_at - now())::float8 as max
      from annul.sessions where id = ${sessionId}`)
    return found ?? { idle: Number.NaN, max: Number.NaN }
  }

  it('moves the idle end, as a refresh does', async () => {
    const { aged, session } = await openedAgo(500)
    await server.rows(
      sql`update annul.sessions set idle_expires_at = now() + interval '200 s' where id = ${session.id}`,
    )
    const { renewed } = await ask(aged)
    const { idle } = await ends(session.id)
    expect([renewed?.expiresIn, idle > 2_592_000 - 20, idle <= 2_592_000]).toEqual([600, true, true])
  })

  it('never past the absolute end: neither the session nor the token', async () => {
    const { aged, session } = await openedAgo(500)
    await server.rows(
      sql`update annul.sessions set expires_at = now() + interval '150 s' where id = ${session.id}`,
    )
    const { renewed, data } = await ask(aged, '{ me { id } sessions { id expiresAt } }')
    const { sessions } = data as { sessions: { id: string; expiresAt: string }[] }
    const told = sessions.find(({ id }) => id === session.id)?.expiresAt ?? ''
    const { max } = await ends(session.id)
    expect(max).toBeLessThanOrEqual(150)
    const { exp, iat } = claimsOf(renewed?.accessToken ?? '')
    expect(exp * 1000).toBeLessThanOrEqual(Date.parse(told))
    expect([exp - iat, exp - iat <= 150]).toEqual([renewed?.expiresIn, true])
  })

  it('keeps the time of the last proof, so that it makes nobody more trusted', async () => {
    const { aged } = await openedAgo(500)
    const proved = openForge(server, aged).make({ claims: { auth_time: claimsOf(aged).iat - 1000 } })
    refreshTokens.set(proved, refreshTokens.get(aged) ?? '')
    const { renewed } = await ask(proved)
    expect(claimsOf(renewed?.accessToken ?? '').auth_time).toBe(claimsOf(aged).iat - 1000)
  })

  it('does not disturb a refresh: the refresh token goes on as it was', async () => {
    const { aged, refreshToken, session } = await openedAgo(500)
    await ask(aged)
    const { last } = await rotate(server, { ...account, refreshToken, session }, 2)
    expect((await row(session.id)).generation).toBe(3)
    expect(await me(server, last.accessToken)).toEqual(accepted(account.userId))
  })
})
