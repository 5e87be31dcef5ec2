import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type Member, type QuickAnswer, useArena } from '../support/crowd.ts'
import { onPostgres } from '../support/database.ts'
import type { Device } from '../support/deaths.ts'
import { by, killsOfUsers, password } from '../support/kills.ts'
import { access, checkedBeforeKill, fatesOf, forAll, login, openRacer, pairOf } from '../support/race.ts'

jest.setTimeout(120_000)

/* Every login costs a hash, so that there are 500 of them in all (the embedded database has but one connection). */
const rounds = onPostgres ? 100 : 20

const arena = useArena()
let admin: Device
let passwordHash: string
beforeAll(async () => {
  admin = await arena.admin()
  passwordHash = await arena.parts.passwords.hash(password)
})

/** A login that was answered with tokens, and what came of them after the kill had returned too. */
interface Born {
  readonly sessionId: string
  readonly fates: { readonly access: string; readonly refresh: string }
}

async function bornOf(answer: QuickAnswer): Promise<Born[]> {
  const pair = pairOf(answer)
  return pair ? [{ sessionId: pair.session.id, fates: await fatesOf(arena, pair) }] : []
}

/** Those that were checked before the kill began are dead, for its reason. @returns how many these were */
function expectBornDead(born: readonly Born[], before: ReadonlySet<string>, reason: string): number {
  const checkedBefore = born.filter(({ sessionId }) => before.has(sessionId)).map(({ fates }) => fates)
  const dead = { access: `UNAUTHENTICATED ${reason}`, refresh: `INVALID_REFRESH_TOKEN ${reason}` }
  expect(checkedBefore).toEqual(checkedBefore.map(() => dead))
  return checkedBefore.length
}

describe('A login whose password was checked before is born dead', () => {
  it.each(killsOfUsers)('$name', async ({ reason, kill, locksOut, hashes }) => {
    const members = await arena.gather(rounds, { passwordHash })
    const race = openRacer()
    const born: Born[] = []
    const outcomes = new Set<string>()
    await forAll(members, async member => {
      const enter = () => login(arena, member.email, password)
      const end = () => kill(arena, member, admin)
      // The longer of the two begins, so that the other falls into it.
      const [killed, entered] = hashes ? await race(end, enter) : (await race(enter, end)).reverse()
      outcomes.add(`kill ${killed?.outcome}`).add(`login ${entered?.outcome}`)
      if (entered) born.push(...(await bornOf(entered)))
    })

    expect([...outcomes].filter(one => one !== 'login INVALID_CREDENTIALS').sort()).toEqual([
      'kill works',
      'login works',
    ])
    expect(expectBornDead(born, await checkedBeforeKill(arena, 'user'), reason)).toBeGreaterThan(0)
    if (locksOut) expect(born.filter(({ fates }) => Object.values(fates).includes('works'))).toEqual([])
    else expect(outcomes).not.toContain('login INVALID_CREDENTIALS')
  })

  it('setUserAccess, as far as its access token has the old roles', async () => {
    const members = await arena.gather(rounds, { passwordHash })
    const race = openRacer()
    const seen = new Set<string>()
    await forAll(members, async ({ email, userId }) => {
      const [entered] = await race(
        () => login(arena, email, password),
        () => by(arena, admin, `setUserAccess(id: "${userId}", roles: ["editor"]) { id }`),
      )
      const { data, outcome } = await arena.send('{ me { roles } }', pairOf(entered)?.accessToken ?? '')
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
      const members = await arena.gather(10, { passwordHash })
      const revoker = await arena.admin()
      const born: Born[] = []
      const enter = (member: Member) => login(arena, member.email, password)
      const [entered, revoked] = await race(
        () => Promise.all(members.map(enter)),
        () => by(arena, revoker, 'revokeEverything'),
      )
      for (const answer of entered) born.push(...(await bornOf(answer)))
      expect(revoked.outcome).toBe('works')
      expect(born).toHaveLength(10)
      const before = await checkedBeforeKill(arena, 'everyone')
      checkedBefore += expectBornDead(born, before, 'EVERYTHING_REVOKED')
    }
    expect(checkedBefore).toBeGreaterThan(0)
    expect(await access(arena, admin.accessToken)).toBe('UNAUTHENTICATED EVERYTHING_REVOKED')
  })
})
