import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { type QuickAnswer, useArena } from '../support/crowd.ts'
import { onPostgres } from '../support/database.ts'
import type { Device } from '../support/deaths.ts'
import {
  by,
  changePassword,
  killsOfSessions,
  killsOfUsers,
  password,
  revokeOtherSessions,
} from '../support/kills.ts'
import { access, fatesOf, forAll, openRacer, pairOf, refresh, Tally } from '../support/race.ts'

jest.setTimeout(120_000)

/** Of each race. The embedded database has one connection, and so few orders in which statements can meet. */
const rounds = onPostgres ? 500 : 50
/** Where each round hashes passwords, or is no kill's. */
const fewer = rounds / 5
/** So often as it came about, or never. */
const some = expect.any(Number)

function expectSeen(tally: Tally, expected: Record<string, unknown>): void {
  const optional = Object.entries(expected).filter(([, count]) => count === some)
  expect({ ...Object.fromEntries(optional), ...tally.seen }).toEqual(expected)
}

const arena = useArena()
let admin: Device
let passwordHash: string
beforeAll(async () => {
  admin = await arena.admin()
  passwordHash = await arena.parts.passwords.hash(password)
})

describe('A refresh never comes out alive that races', () => {
  it.each([...killsOfSessions, ...killsOfUsers])('$name', async ({ reason, kill, hashes }) => {
    // The second generation, so that there is a first for a thief.
    const members = await arena.gather(hashes ? fewer : rounds, { passwordHash, generation: 2 })
    const tally = new Tally()
    const race = openRacer()
    await forAll(members, async member => {
      const [here] = member.devices
      const [killed, refreshed] = await race(
        () => kill(arena, member, admin),
        () => refresh(arena, here.refreshToken),
      )
      tally.add('kill', killed.outcome)
      await noteAftermath(tally, here, refreshed)
    })
    expectSeen(tally, allDead(reason, members.length))
  })

  it('revokeEverything', async () => {
    const tally = new Tally()
    for (let round = 0; round < rounds; round += 10) {
      const members = await arena.gather(10)
      const killing = by(arena, await arena.admin(), 'revokeEverything')
      const race = openRacer()
      await forAll(members, async ({ devices: [here] }) => {
        const [killed, refreshed] = await race(
          () => killing,
          () => refresh(arena, here.refreshToken),
        )
        tally.add('kill', killed.outcome)
        await noteAftermath(tally, here, refreshed)
      })
    }
    admin = await arena.admin()
    expectSeen(tally, allDead('EVERYTHING_REVOKED', rounds))
  })

  /** What comes of the newest tokens of the device: those of the refresh, or the old ones where it was refused. */
  async function noteAftermath(tally: Tally, here: Device, refreshed: QuickAnswer): Promise<void> {
    const renewed = pairOf(refreshed)
    tally.add('refresh', refreshed.outcome)
    const fates = await fatesOf(arena, renewed ?? here)
    tally.add(`${renewed ? 'new' : 'old'} access token`, fates.access)
    tally.add(`${renewed ? 'new' : 'old'} refresh token`, fates.refresh)
  }

  /** Whichever of the two came first, everything is dead for the one reason. */
  function allDead(reason: string, count: number) {
    return {
      'kill: works': count,
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
  const members = await arena.gather(rounds)
  const tally = new Tally()
  const race = openRacer()
  await forAll(members, async ({ userId, devices: [here] }) => {
    const [changed, refreshed] = await race(
      () => by(arena, admin, `setUserAccess(id: "${userId}", roles: ["editor"]) { id }`),
      () => refresh(arena, here.refreshToken),
    )
    tally.add('change', changed.outcome)
    const renewed = pairOf(refreshed)
    const { data, outcome } = await arena.send('{ me { roles } }', renewed?.accessToken ?? '')
    tally.add('new access token', data ? JSON.stringify(data.me) : outcome)
    const next = pairOf(await refresh(arena, renewed?.refreshToken ?? ''))
    tally.add('next access token', await access(arena, next?.accessToken ?? ''))
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
    const members = await arena.gather(rounds, { passwordHash })
    const tally = new Tally()
    const race = openRacer()
    await forAll(members, async ({ devices: [here] }) => {
      const attempt = newAttempt()
      const [changed, refreshed] = await race(
        () => change(arena, here),
        () => refresh(arena, here.refreshToken, attempt),
      )
      tally.add('change', changed.outcome)
      tally.add('refresh', refreshed.outcome)
      const kept = pairOf(changed)
      tally.add('changed access token', await access(arena, kept?.accessToken ?? ''))
      // The attempt stands beside the token that it was made for, so that whoever uses this one again repeats it.
      const again = kept?.refreshToken === here.refreshToken ? attempt : newAttempt()
      const next = await refresh(arena, kept?.refreshToken ?? '', again)
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
    const members = await arena.gather(crowds)
    for (const {
      devices: [here],
    } of members) {
      const attempt = newAttempt()
      const answers = await Promise.all(fifty.map(() => refresh(arena, here.refreshToken, attempt)))
      expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['works']))
      const next = arena.parts.refreshTokens.derive({ sessionId: here.sessionId, generation: 2 })
      expect(new Set(answers.map(answer => pairOf(answer)?.refreshToken))).toEqual(new Set([next]))
      expect(await sessionOf(here)).toEqual({ generation: 2, end_reason: null })
    }
  })

  it('without an attempt are a theft: one is answered, and nothing of it works', async () => {
    const reused = 'INVALID_REFRESH_TOKEN REFRESH_REUSED'
    const members = await arena.gather(crowds)
    for (const {
      devices: [here, there],
    } of members) {
      const tally = new Tally()
      const answers = await Promise.all(fifty.map(() => refresh(arena, here.refreshToken)))
      for (const answer of answers) {
        tally.add('refresh', answer.outcome)
        const renewed = pairOf(answer)
        if (renewed)
          expect(await fatesOf(arena, renewed)).toEqual({
            access: 'UNAUTHENTICATED REFRESH_REUSED',
            refresh: reused,
          })
      }
      expectSeen(tally, { 'refresh: works': 1, [`refresh: ${reused}`]: 49 })
      expect(await sessionOf(here)).toEqual({ generation: 2, end_reason: 'REFRESH_REUSED' })
      expect(await fatesOf(arena, there)).toEqual({ access: 'works', refresh: 'works' })
    }
  })

  const fifty = Array.from({ length: 50 })
  const crowds = onPostgres ? 10 : 3

  async function sessionOf({ sessionId }: Device) {
    const [row] = await arena.rows(
      sql`select generation, end_reason from annul.sessions where id = ${sessionId}`,
    )
    return row
  }
})

describe('Of two who sign each other out', () => {
  it('by revokeOtherSessions, exactly one stays', async () => {
    const members = await arena.gather(fewer)
    const tally = new Tally()
    const race = openRacer()
    await forAll(members, async ({ devices: [here, there] }) => {
      const answers = await race(
        () => revokeOtherSessions(arena, here),
        () => revokeOtherSessions(arena, there),
      )
      const outcomes = answers.map(({ outcome }) => outcome).sort()
      const fates = await Promise.all([fatesOf(arena, here), fatesOf(arena, there)])
      const kept = await Promise.all(
        answers.flatMap(answer => pairOf(answer) ?? []).map(({ accessToken }) => access(arena, accessToken)),
      )
      tally.add('both', [...outcomes, ...kept, ...fates.map(fate => fate.refresh).sort()].join())
    })
    expectSeen(tally, {
      'both: UNAUTHENTICATED SESSIONS_REVOKED,works,works,INVALID_REFRESH_TOKEN SESSIONS_REVOKED,works':
        fewer,
    })
  })

  it('one by revokeSessions and one by revokeOtherSessions, nobody stays unless the first came too late', async () => {
    const members = await arena.gather(fewer)
    const tally = new Tally()
    const race = openRacer()
    await forAll(members, async ({ devices: [here, there] }) => {
      const [others, all] = await race(
        () => revokeOtherSessions(arena, here),
        () => by(arena, there, 'revokeSessions'),
      )
      const kept = pairOf(others)
      const { outcome } = await refresh(arena, (kept ?? here).refreshToken)
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
