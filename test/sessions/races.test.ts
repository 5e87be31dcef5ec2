import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import type { Device } from '../support/devices.ts'
import { type QuickAnswer, useRaceServer } from '../support/raceServer.ts'
import { access, forAll, openRacer, outcomesOf, pairOf, refresh, Tally } from '../support/races.ts'
import {
  by,
  changePassword,
  password,
  revokeOtherSessions,
  sessionRevokingVerbs,
  userRevokingVerbs,
} from '../support/revokingVerbs.ts'

jest.setTimeout(120_000)

/** Rounds of each race: RACE_ROUNDS=500 is the long form. The embedded database has one connection, so that statements can meet in few orders only. */
const rounds = onPostgres ? Number(process.env.RACE_ROUNDS ?? 100) : 50
/** Rounds of a race that hashes passwords, or that revokes nothing for good. */
const fewer = rounds / 5
/** Any number of times, or never. */
const some = expect.any(Number)

function expectSeen(tally: Tally, expected: Record<string, unknown>): void {
  const optional = Object.entries(expected).filter(([, count]) => count === some)
  expect({ ...Object.fromEntries(optional), ...tally.seen }).toEqual(expected)
}

const server = useRaceServer()
let admin: Device
let passwordHash: string
beforeAll(async () => {
  admin = await server.admin()
  passwordHash = await server.parts.passwords.hash(password)
})

describe('A refresh never comes out alive that races', () => {
  it.each([...sessionRevokingVerbs, ...userRevokingVerbs])('$name', async ({ reason, revoke, hashes }) => {
    // The second generation, so that there is a first for a thief.
    const users = await server.makeUsers(hashes ? fewer : rounds, { passwordHash, generation: 2 })
    const tally = new Tally()
    const race = openRacer()
    await forAll(users, async user => {
      const [here] = user.devices
      const [revoked, refreshed] = await race(
        () => revoke(server, user, admin),
        () => refresh(server, here.refreshToken),
      )
      tally.add('revocation', revoked.outcome)
      await noteAftermath(tally, here, refreshed)
    })
    expectSeen(tally, allDead(reason, users.length))
  })

  it('revokeEverything', async () => {
    const tally = new Tally()
    for (let round = 0; round < rounds; round += 10) {
      const users = await server.makeUsers(10)
      const revoking = by(server, await server.admin(), 'revokeEverything')
      const race = openRacer()
      await forAll(users, async ({ devices: [here] }) => {
        const [revoked, refreshed] = await race(
          () => revoking,
          () => refresh(server, here.refreshToken),
        )
        tally.add('revocation', revoked.outcome)
        await noteAftermath(tally, here, refreshed)
      })
    }
    admin = await server.admin()
    expectSeen(tally, allDead('EVERYTHING_REVOKED', rounds))
  })

  /** What comes of the newest tokens of the device: those of the refresh, or the old ones where it was refused. */
  async function noteAftermath(tally: Tally, here: Device, refreshed: QuickAnswer): Promise<void> {
    const renewed = pairOf(refreshed)
    tally.add('refresh', refreshed.outcome)
    const fates = await outcomesOf(server, renewed ?? here)
    tally.add(`${renewed ? 'new' : 'old'} access token`, fates.access)
    tally.add(`${renewed ? 'new' : 'old'} refresh token`, fates.refresh)
  }

  /** Whichever of the two came first, everything is dead for the one reason. */
  function allDead(reason: string, count: number) {
    return {
      'revocation: works': count,
      'refresh: works': some,
      [`refresh: INVALID_REFRESH_TOKEN ${reason}`]: some,
      [`new access token: UNAUTHENTICATED ${reason}`]: some,
      [`new refresh token: INVALID_REFRESH_TOKEN ${reason}`]: some,
      [`old access token: UNAUTHENTICATED ${reason}`]: some,
      [`old refresh token: INVALID_REFRESH_TOKEN ${reason}`]: some,
    }
  }
})

it('A refresh that races setUserAccess comes out with the new roles or not at all', async () => {
  const users = await server.makeUsers(rounds)
  const tally = new Tally()
  const race = openRacer()
  await forAll(users, async ({ userId, devices: [here] }) => {
    const [changed, refreshed] = await race(
      () => by(server, admin, `setUserAccess(id: "${userId}", roles: ["editor"]) { id }`),
      () => refresh(server, here.refreshToken),
    )
    tally.add('change', changed.outcome)
    const renewed = pairOf(refreshed)
    const { data, outcome } = await server.send('{ me { roles } }', renewed?.accessToken ?? '')
    tally.add('new access token', data ? JSON.stringify(data.me) : outcome)
    const next = pairOf(await refresh(server, renewed?.refreshToken ?? ''))
    tally.add('next access token', await access(server, next?.accessToken ?? ''))
  })
  expectSeen(tally, {
    'change: works': rounds,
    'new access token: {"roles":["editor"]}': some,
    'new access token: UNAUTHENTICATED ACCESS_CHANGED': some,
    'next access token: works': rounds,
  })
})

describe('A refresh is never called theft that races, on the same device,', () => {
  it.each([
    ['revokeOtherSessions', revokeOtherSessions],
    ['changePassword', changePassword],
  ] as const)('%s', async (_, change) => {
    const users = await server.makeUsers(rounds, { passwordHash })
    const tally = new Tally()
    const race = openRacer()
    await forAll(users, async ({ devices: [here] }) => {
      const attempt = newAttempt()
      const [changed, refreshed] = await race(
        () => change(server, here),
        () => refresh(server, here.refreshToken, attempt),
      )
      tally.add('change', changed.outcome)
      tally.add('refresh', refreshed.outcome)
      const kept = pairOf(changed)
      tally.add('changed access token', await access(server, kept?.accessToken ?? ''))
      // The attempt stands beside the token that it was made for, so that whoever uses this one again repeats it.
      const again = kept?.refreshToken === here.refreshToken ? attempt : newAttempt()
      const next = await refresh(server, kept?.refreshToken ?? '', again)
      tally.add('next refresh', next.outcome)
    })
    expectSeen(tally, {
      'change: works': rounds,
      'refresh: works': rounds,
      'changed access token: works': rounds,
      'next refresh: works': rounds,
    })
  })
})

describe('50 refreshes of one token at once', () => {
  it('with one attempt are answered with one and the same next token', async () => {
    const users = await server.makeUsers(crowds)
    for (const {
      devices: [here],
    } of users) {
      const attempt = newAttempt()
      const answers = await Promise.all(fifty.map(() => refresh(server, here.refreshToken, attempt)))
      expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['works']))
      const next = server.parts.refreshTokens.derive({ sessionId: here.sessionId, generation: 2 })
      expect(new Set(answers.map(answer => pairOf(answer)?.refreshToken))).toEqual(new Set([next]))
      expect(await sessionOf(here)).toEqual({ generation: 2, end_reason: null })
    }
  })

  it('without an attempt are a theft: one is answered, and nothing of it works', async () => {
    const reused = 'INVALID_REFRESH_TOKEN REFRESH_REUSED'
    const users = await server.makeUsers(crowds)
    for (const {
      devices: [here, there],
    } of users) {
      const tally = new Tally()
      const answers = await Promise.all(fifty.map(() => refresh(server, here.refreshToken)))
      for (const answer of answers) {
        tally.add('refresh', answer.outcome)
        const renewed = pairOf(answer)
        if (renewed)
          expect(await outcomesOf(server, renewed)).toEqual({
            access: 'UNAUTHENTICATED REFRESH_REUSED',
            refresh: reused,
          })
      }
      expectSeen(tally, { 'refresh: works': 1, [`refresh: ${reused}`]: 49 })
      expect(await sessionOf(here)).toEqual({ generation: 2, end_reason: 'REFRESH_REUSED' })
      expect(await outcomesOf(server, there)).toEqual({ access: 'works', refresh: 'works' })
    }
  })

  const fifty = Array.from({ length: 50 })
  const crowds = onPostgres ? 10 : 3

  async function sessionOf({ sessionId }: Device) {
    const [row] = await server.rows(
      sql`select generation, end_reason from annul.sessions where id = ${sessionId}`,
    )
    return row
  }
})

describe('Of two who sign each other out', () => {
  it('by revokeOtherSessions, exactly one stays', async () => {
    const users = await server.makeUsers(fewer)
    const tally = new Tally()
    const race = openRacer()
    await forAll(users, async ({ devices: [here, there] }) => {
      const answers = await race(
        () => revokeOtherSessions(server, here),
        () => revokeOtherSessions(server, there),
      )
      const outcomes = answers.map(({ outcome }) => outcome).sort()
      const fates = await Promise.all([outcomesOf(server, here), outcomesOf(server, there)])
      const kept = await Promise.all(
        answers.flatMap(answer => pairOf(answer) ?? []).map(({ accessToken }) => access(server, accessToken)),
      )
      tally.add('both', [...outcomes, ...kept, ...fates.map(fate => fate.refresh).sort()].join())
    })
    expectSeen(tally, {
      'both: UNAUTHENTICATED SESSIONS_REVOKED,works,works,INVALID_REFRESH_TOKEN SESSIONS_REVOKED,works':
        fewer,
    })
  })

  it('one by revokeSessions and one by revokeOtherSessions, nobody stays unless the first came too late', async () => {
    const users = await server.makeUsers(fewer)
    const tally = new Tally()
    const race = openRacer()
    await forAll(users, async ({ devices: [here, there] }) => {
      const [others, all] = await race(
        () => revokeOtherSessions(server, here),
        () => by(server, there, 'revokeSessions'),
      )
      const kept = pairOf(others)
      const { outcome } = await refresh(server, (kept ?? here).refreshToken)
      tally.add(`all ${all.outcome}, others ${others.outcome}`, outcome)
    })
    const dead = 'INVALID_REFRESH_TOKEN SESSIONS_REVOKED'
    const possible = {
      [`all works, others works: ${dead}`]: some,
      [`all works, others UNAUTHENTICATED SESSIONS_REVOKED: ${dead}`]: some,
      'all UNAUTHENTICATED SESSIONS_REVOKED, others works: works': some,
    }
    expectSeen(tally, possible)
    expect(Object.values(tally.seen).reduce((sum, count) => sum + count)).toBe(fewer)
  })
})

/** As a client makes one. */
function newAttempt(): string {
  return randomBytes(16).toString('base64url')
}
