import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { type RenewalProof, renewAccessToken } from '../../src/sessions/renewAccessToken.ts'
import type { SessionViewer } from '../../src/viewer.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import {
  eventsOf,
  makePerson,
  type Person,
  type SignedIn,
  sessionRow,
  setSession,
  setUser,
} from './person.ts'

/* When an access token is renewed, and what that writes, without requests. Over HTTP: refresh/renew.test.ts. */

const server = useServer({ env: { ANNUL_SESSION_IDLE_SECONDS: '7200' } })
const parts = () => server.auth.parts
const onlyPostgres = onPostgres ? it : it.skip
let ada: Person
let laptop: SignedIn
beforeEach(async () => {
  ada = await makePerson(server)
  laptop = await ada.signIn()
})

/** A viewer whose access token of 600 s has so many seconds left. */
const viewerWith = (left: number, of = laptop, life = 600): SessionViewer => {
  const exp = Math.floor(parts().clock.now()) + left
  return { ...of.viewer, claims: { ...of.viewer.claims, exp, iat: exp - life } }
}
/** The session as it is after so many seconds: its tokens were issued that long ago. */
const age = (seconds: number, of = laptop) =>
  setSession(server, of.sessionId, sql`rotated_at = rotated_at - make_interval(secs => ${seconds})`)
const proofOf = ({ claims }: SessionViewer, of = laptop): RenewalProof => ({
  proof: createHmac('sha256', of.tokens.refreshToken).update(`annul-renew${claims.jti}`).digest('base64url'),
})
const due = async (of = laptop) => {
  await age(500, of)
  return viewerWith(100, of)
}

describe('a renewal', () => {
  it('is an access token of the present rows, which moves the idle end and is audited once a day', async () => {
    const { claims: aged, ...others } = await due()
    const viewer = { ...others, claims: { ...aged, auth_time: aged.auth_time - 77 } }
    await setSession(
      server,
      laptop.sessionId,
      sql`idle_expires_at = now() + interval '10 minutes', last_used_at = '2026-01-01'`,
    )
    const renewed = await renewAccessToken(parts(), viewer, proofOf(viewer))
    const claims = parts().accessTokens.verify(renewed?.accessToken ?? '')
    expect(claims).toMatchObject({
      sub: ada.userId,
      sid: laptop.sessionId,
      auth_time: viewer.claims.auth_time,
    })
    expect(Object.keys(renewed ?? {}).sort()).toEqual(['accessToken', 'expiresIn'])
    expect(renewed?.expiresIn).toBe(parts().config.accessTokenSeconds)
    const row = await sessionRow(server, laptop.sessionId)
    expect(Math.abs(Number(row.idle_seconds) - 7200)).toBeLessThan(30)
    expect(row.last_used_at).toEqual(row.renewed_at)
    expect(row).toMatchObject({ generation: 1, renewed_at: expect.anything() })
    const event = {
      ...{ kind: 'renew', actor: ada.userId, session: laptop.sessionId },
      ...{ address: '203.0.113.7', device: 'Firefox on Linux', detail: null },
    }
    expect(await eventsOf(server, ada.userId)).toEqual([event])

    // Within a minute not again, and after it without a further event.
    expect(await renewAccessToken(parts(), viewer, proofOf(viewer))).toBeUndefined()
    const renewedAgo = (interval: SQL) => setSession(server, laptop.sessionId, sql`renewed_at = ${interval}`)
    await renewedAgo(sql`now() - interval '55 s'`)
    expect(await renewAccessToken(parts(), viewer, proofOf(viewer))).toBeUndefined()
    // Not in the first minutes of a day, when a time before the last minute is of the day before.
    const [{ seconds = 0 } = {}] = await server.rows<{ seconds: number }>(
      sql`select extract(epoch from now() - date_trunc('day', now(), 'UTC'))::float8 as seconds`,
    )
    if (seconds > 120) {
      await renewedAgo(sql`now() - interval '65 s'`)
      expect(await renewAccessToken(parts(), viewer, proofOf(viewer))).toBeDefined()
      expect(await eventsOf(server, ada.userId)).toHaveLength(1)
    }
    await renewedAgo(sql`date_trunc('day', now(), 'UTC') - interval '61 s'`)
    expect(await renewAccessToken(parts(), viewer, proofOf(viewer))).toBeDefined()
    expect(await eventsOf(server, ada.userId)).toEqual([event, event])
  })

  it('keeps the proofs of the token; those of the session stand in for a token that names none', async () => {
    const { claims, ...others } = await due()
    const amrAfter = async (amr: string[] | undefined) => {
      await setSession(server, laptop.sessionId, sql`renewed_at = null`)
      const { amr: _, ...rest } = claims
      const viewer = { ...others, claims: { ...rest, ...(amr && { amr }) } }
      const renewed = await renewAccessToken(parts(), viewer, proofOf(viewer))
      const next = parts().accessTokens.verify(renewed?.accessToken ?? '')
      return typeof next === 'string' ? next : next.amr
    }
    expect(await amrAfter(['pwd', 'otp', 'mfa'])).toEqual(['pwd', 'otp', 'mfa'])
    expect(await amrAfter(undefined)).toEqual(['pwd'])
  })

  it('is due in the last third of a token’s time', async () => {
    await age(1000)
    for (const [left, isDue] of [
      [210, false],
      [190, true],
    ] as const) {
      const viewer = viewerWith(left)
      expect([left, Boolean(await renewAccessToken(parts(), viewer, proofOf(viewer)))]).toEqual([left, isDue])
    }
    await setSession(server, laptop.sessionId, sql`renewed_at = null`)
    const short = viewerWith(90, laptop, 240)
    expect(await renewAccessToken(parts(), short, proofOf(short))).toBeUndefined()
  })

  it('needs the proof that the sender holds the session’s present refresh token', async () => {
    const viewer = await due()
    const phone = await ada.signIn()
    for (const proof of [
      proofOf(viewer, phone),
      proofOf({ ...viewer, claims: { ...viewer.claims, jti: 'another' } }),
      { proof: '' },
      { cookie: { sessionId: laptop.sessionId, generation: 1 } },
    ])
      expect(await renewAccessToken(parts(), viewer, proof)).toBeUndefined()
    await setSession(server, laptop.sessionId, sql`generation = 2`)
    expect(await renewAccessToken(parts(), viewer, proofOf(viewer))).toBeUndefined()
    expect(await sessionRow(server, laptop.sessionId)).toMatchObject({ renewed_at: null })
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it('of a cookie session needs its cookie, and no text is a proof', async () => {
    const browser = await ada.signIn({ cookie: true })
    const viewer = await due(browser)
    const cookie = { sessionId: browser.sessionId, generation: 1 }
    expect(await renewAccessToken(parts(), viewer, proofOf(viewer, browser))).toBeUndefined()
    expect(await renewAccessToken(parts(), viewer, { cookie: { ...cookie, generation: 2 } })).toBeUndefined()
    expect(
      await renewAccessToken(parts(), viewer, { cookie: { ...cookie, sessionId: laptop.sessionId } }),
    ).toBeUndefined()
    expect(await renewAccessToken(parts(), viewer, { cookie })).toBeDefined()
  })

  it.each<[string, SQL]>([
    ['was refreshed since the token', sql`rotated_at = now()`],
    ['has ended', sql`ended_at = now(), end_reason = 'LOGGED_OUT'`],
    ['has expired', sql`idle_expires_at = now()`],
    ['is of a former version', sql`session_version = 0`],
  ])('is none where the session %s', async (_, change) => {
    const viewer = await due()
    await setSession(server, laptop.sessionId, change)
    const renewed = await renewAccessToken(parts(), viewer, proofOf(viewer)).catch(error => {
      // Behind the fence: an end that kills the token is told with its reason.
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED' })
    })
    expect(renewed).toBeUndefined()
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it('is none for a token of a former version of the user', async () => {
    const viewer = await due()
    const former = { ...viewer, claims: { ...viewer.claims, ver: viewer.claims.ver + 1 } }
    expect(await renewAccessToken(parts(), former, proofOf(former))).toBeUndefined()
    await setUser(server, ada.userId, sql`token_version = token_version + 1, token_reason = 'ACCESS_CHANGED'`)
    await expect(renewAccessToken(parts(), viewer, proofOf(viewer))).rejects.toMatchObject({
      extensions: { reason: 'ACCESS_CHANGED' },
    })
  })

  onlyPostgres('is none where a refresh has come between the look and the renewal', async () => {
    const viewer = await due()
    let renewal: Promise<unknown> = Promise.resolve('not asked')
    await parts().db.transaction(async tx => {
      await tx.execute(sql`select 1 from annul.sessions where id = ${laptop.sessionId} for no key update`)
      renewal = renewAccessToken(parts(), viewer, proofOf(viewer))
      await until(
        () =>
          server.rows(sql`select 1 from pg_locks l join pg_stat_activity a using (pid)
            where not l.granted and a.datname = current_database() and l.locktype = 'transactionid'`),
        ({ length }) => length > 0,
      )
      await tx.execute(sql`update annul.sessions set generation = 2 where id = ${laptop.sessionId}`)
    })
    expect(await renewal).toBeUndefined()
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it('is one of several that are asked for at once', async () => {
    const viewer = await due()
    const all = await Promise.all([1, 2, 3, 4].map(() => renewAccessToken(parts(), viewer, proofOf(viewer))))
    expect(all.filter(renewed => renewed !== undefined)).toHaveLength(1)
    expect(await eventsOf(server, ada.userId)).toHaveLength(1)
  })
})
