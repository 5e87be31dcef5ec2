import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { onPostgres } from '../support/database.ts'
import type { Device } from '../support/devices.ts'
import { type QuickAnswer, type RaceUser, useRaceServer } from '../support/raceServer.ts'
import {
  access,
  checkedBeforeRevocation,
  forAll,
  login,
  openRacer,
  outcomesOf,
  pairOf,
} from '../support/races.ts'
import { by, password, userRevokingVerbs } from '../support/revokingVerbs.ts'

jest.setTimeout(120_000)

/* Each login costs a hash, so there are 500 logins in all. The embedded database has one connection only. */
const rounds = onPostgres ? 100 : 20

const server = useRaceServer()
let admin: Device
let passwordHash: string
beforeAll(async () => {
  admin = await server.admin()
  passwordHash = await server.parts.passwords.hash(password)
})

/** A login that was answered with tokens, and the outcomes of its tokens after the revocation had returned. */
interface Born {
  readonly sessionId: string
  readonly fates: { readonly access: string; readonly refresh: string }
}

async function bornOf(answer: QuickAnswer): Promise<Born[]> {
  const pair = pairOf(answer)
  return pair ? [{ sessionId: pair.session.id, fates: await outcomesOf(server, pair) }] : []
}

/** Logins that were checked before the revocation began are dead, for its reason. @returns their number */
function expectBornDead(born: readonly Born[], before: ReadonlySet<string>, reason: string): number {
  const checkedBefore = born.filter(({ sessionId }) => before.has(sessionId)).map(({ fates }) => fates)
  const dead = { access: `UNAUTHENTICATED ${reason}`, refresh: `INVALID_REFRESH_TOKEN ${reason}` }
  expect(checkedBefore).toEqual(checkedBefore.map(() => dead))
  return checkedBefore.length
}

describe('A login whose password was checked before is born dead', () => {
  it.each(userRevokingVerbs)('$name', async ({ reason, revoke, locksOut, hashes }) => {
    const users = await server.makeUsers(rounds, { passwordHash })
    const race = openRacer()
    const born: Born[] = []
    const outcomes = new Set<string>()
    await forAll(users, async user => {
      const enter = () => login(server, user.email, password)
      const end = () => revoke(server, user, admin)
      // The longer of the two begins, so that the other falls into it.
      const [revoked, entered] = hashes ? await race(end, enter) : (await race(enter, end)).reverse()
      outcomes.add(`revocation ${revoked?.outcome}`).add(`login ${entered?.outcome}`)
      if (entered) born.push(...(await bornOf(entered)))
    })

    expect([...outcomes].filter(one => one !== 'login INVALID_CREDENTIALS').sort()).toEqual([
      'login works',
      'revocation works',
    ])
    expect(expectBornDead(born, await checkedBeforeRevocation(server, 'user'), reason)).toBeGreaterThan(0)
    if (locksOut) expect(born.filter(({ fates }) => Object.values(fates).includes('works'))).toEqual([])
    else expect(outcomes).not.toContain('login INVALID_CREDENTIALS')
  })

  it('setUserAccess, as far as its access token has the old roles', async () => {
    const users = await server.makeUsers(rounds, { passwordHash })
    const race = openRacer()
    const seen = new Set<string>()
    await forAll(users, async ({ email, userId }) => {
      const [entered] = await race(
        () => login(server, email, password),
        () => by(server, admin, `setUserAccess(id: "${userId}", roles: ["editor"]) { id }`),
      )
      const { data, outcome } = await server.send('{ me { roles } }', pairOf(entered)?.accessToken ?? '')
      seen.add(data ? JSON.stringify(data.me) : outcome)
    })
    expect([...seen].filter(one => one !== '{"roles":["editor"]}')).toEqual([
      'UNAUTHENTICATED ACCESS_CHANGED',
    ])
  })

  it('revokeEverything', async () => {
    const race = openRacer()
    let checkedBefore = 0
    for (let round = 0; round < rounds; round += 10) {
      const users = await server.makeUsers(10, { passwordHash })
      const revoker = await server.admin()
      const born: Born[] = []
      const enter = (user: RaceUser) => login(server, user.email, password)
      const [entered, revoked] = await race(
        () => Promise.all(users.map(enter)),
        () => by(server, revoker, 'revokeEverything'),
      )
      for (const answer of entered) born.push(...(await bornOf(answer)))
      expect(revoked.outcome).toBe('works')
      expect(born).toHaveLength(10)
      const before = await checkedBeforeRevocation(server, 'everyone')
      checkedBefore += expectBornDead(born, before, 'EVERYTHING_REVOKED')
    }
    expect(checkedBefore).toBeGreaterThan(0)
    expect(await access(server, admin.accessToken)).toBe('UNAUTHENTICATED EVERYTHING_REVOKED')
  })
})
