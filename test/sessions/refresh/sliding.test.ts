import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Account, TokensAnswer } from '../../support/client.ts'
import { useServer } from '../../support/server.ts'
import { bodyOf, claimsOf, newAttempt, refreshed, refused } from './support.ts'

const idleSeconds = 1000
const maxSeconds = 5000

const server = useServer({
  env: {
    ANNUL_ACCESS_TOKEN_SECONDS: '600',
    ANNUL_SESSION_IDLE_SECONDS: String(idleSeconds),
    ANNUL_SESSION_MAX_SECONDS: String(maxSeconds),
  },
})
let account: Account & TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
})

/** Seconds from now, by the database's clock, and what the contract tells of the same session. */
async function endsOf(sessionId: string, accessToken: string) {
  const [row] = await server.rows<{ idle: number; max: number; used: number; earlier: string }>(sql`
    select extract(epoch from idle_expires_at - now())::float8 as idle,
      extract(epoch from expires_at - now())::float8 as max,
      extract(epoch from now() - last_used_at)::float8 as used,
      to_char(least(idle_expires_at, expires_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as earlier
    from annul.sessions where id = ${sessionId}`)
  if (row === undefined) throw new Error('There is no such session.')
  const { data } = await server.send<{ sessions: { id: string; expiresAt: string }[] }>(
    '{ sessions { id expiresAt } }',
    { token: accessToken },
  )
  return { ...row, told: data?.sessions.find(({ id }) => id === sessionId)?.expiresAt }
}

/** Moves the ends of a session to so many seconds from now. */
const setEnds = (sessionId: string, ends: { idle: number; max: number }) =>
  server.rows(sql`update annul.sessions set last_used_at = now() - interval '900 s',
    idle_expires_at = now() + make_interval(secs => ${ends.idle}),
    expires_at = now() + make_interval(secs => ${ends.max}) where id = ${sessionId}`)

describe('a session slides', () => {
  it('each refresh moves the idle end, and never the absolute one (ASVS 5.0 7.1.1 and 7.3.1)', async () => {
    const tokens = await server.login(account)
    let { refreshToken } = tokens
    for (const idle of [1, 300, 999]) {
      await setEnds(tokens.session.id, { idle, max: 4000 })
      const next = await refreshed(server, refreshToken, newAttempt())
      refreshToken = next.refreshToken
      const ends = await endsOf(tokens.session.id, next.accessToken)
      // What the test itself takes lies between: never more than was given, hardly less.
      expect(ends.idle).toBeLessThanOrEqual(idleSeconds)
      expect(ends.idle).toBeGreaterThan(idleSeconds - 20)
      expect(ends.max).toBeLessThanOrEqual(4000)
      expect(ends.max).toBeGreaterThan(3970)
      expect(ends.used).toBeLessThan(20)
      expect([next.session.expiresAt, ends.told]).toEqual([ends.earlier, ends.earlier])
      expect(next.expiresIn).toBe(600)
    }
  })

  it('never past the absolute end: Session.expiresAt tells the earlier, and no access token outlives it (ASVS 5.0 7.3.2 and 10.4.8)', async () => {
    const tokens = await server.login(account)
    await setEnds(tokens.session.id, { idle: 100, max: 250 })
    const next = await refreshed(server, tokens.refreshToken, newAttempt())
    const ends = await endsOf(tokens.session.id, next.accessToken)
    expect([next.session.expiresAt, ends.told]).toEqual([ends.earlier, ends.earlier])
    expect(ends.max).toBeLessThanOrEqual(250)
    const { exp, iat } = claimsOf(next.accessToken)
    expect(exp * 1000).toBeLessThanOrEqual(Date.parse(next.session.expiresAt))
    expect(exp - iat).toBe(next.expiresIn)
    expect(next.expiresIn).toBeLessThanOrEqual(250)
    expect(next.expiresIn).toBeGreaterThan(220)
  })

  it('a session that is opened tells its idle end, which is the earlier', async () => {
    const tokens = await server.login(account)
    const ends = await endsOf(tokens.session.id, tokens.accessToken)
    expect([tokens.session.expiresAt, ends.told]).toEqual([ends.earlier, ends.earlier])
    expect(ends.idle).toBeLessThanOrEqual(idleSeconds)
    expect(ends.max).toBeGreaterThan(maxSeconds - 20)
  })

  it.each([
    ['idle end', { idle: -1, max: 1000 }],
    ['absolute end', { idle: 1000, max: -1 }],
  ])('and is over at its %s', async (_, ends) => {
    const tokens = await server.login(account)
    await setEnds(tokens.session.id, ends)
    const answer = await server.refresh(tokens.refreshToken, newAttempt())
    expect(bodyOf(answer)).toEqual(refused('SESSION_EXPIRED'))
  })
})
