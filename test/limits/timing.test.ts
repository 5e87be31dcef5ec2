import { expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import { copyAccounts, keysOf, logIn, newAddress, newEmail, useLimitedServer } from './support.ts'

jest.setTimeout(540_000)

const server = useLimitedServer()
const each = 200

/** How many standard deviations the ranks of the first are away from those of the second (Mann-Whitney U). */
function deviations(one: readonly number[], other: readonly number[]): number {
  const [n, m] = [one.length, other.length]
  const wins = one.flatMap(a => other.map((b): number => (a > b ? 1 : a === b ? 0.5 : 0)))
  const u = wins.reduce((sum, win) => sum + win, 0)
  return (u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12)
}

it('tells a difference that is there', () => {
  const noise = (index: number) => (index * 7919) % 100
  const one = Array.from({ length: each }, (_, index) => noise(index))
  expect(Math.abs(deviations(one, one))).toBeLessThan(0.1)
  expect(
    deviations(
      one.map(ms => ms + 20),
      one,
    ),
  ).toBeGreaterThan(5)
})

// The budgets of the embedded database are in memory, so no account can be locked by a statement.
const onlyPostgres = onPostgres ? it : it.skip
onlyPostgres(
  'the time of a refused login does not tell whether the account exists, has a second factor, or takes no more',
  async () => {
    const { userId } = await server.signUp()
    const locked = await copyAccounts(server, userId, each)
    const emails = {
      existing: await copyAccounts(server, userId, each),
      unknown: Array.from({ length: each }, newEmail),
      locked,
      factors: await copyAccounts(server, userId, each),
    }
    for (const email of emails.factors)
      await server.rows(sql`insert into annul.factors (id, user_id, kind, confirmed_at)
      select gen_random_uuid(), id, 'TOTP', now() from annul.users where email_key = ${email}`)
    for (const email of locked)
      await server.rows(sql`insert into annul.budgets (key, spent, failures)
      values (${keysOf(server)('account', email)}, 0, 100)`)
    const kinds = ['existing', 'unknown', 'locked', 'factors'] as const
    const times: Record<(typeof kinds)[number], number[]> = {
      existing: [],
      unknown: [],
      locked: [],
      factors: [],
    }

    // One of each kind at a time, in changing order: a busy moment of the machine meets all kinds alike.
    for (let round = -5; round < each; round++)
      for (let turn = 0; turn < kinds.length; turn++) {
        const kind = kinds[(round + 5 + turn) % kinds.length] ?? 'existing'
        const email = round < 0 ? newEmail() : (emails[kind][round] ?? '')
        const startedAt = performance.now()
        const { code } = await logIn(server, { email, password: 'not the password' }, { from: newAddress() })
        const ms = performance.now() - startedAt
        expect(code).toBe('INVALID_CREDENTIALS')
        if (round >= 0) times[kind].push(ms)
      }

    // By chance, one in 16,000 runs is beyond 4.
    for (const kind of ['unknown', 'locked', 'factors'] as const)
      expect({ kind, deviations: Math.abs(deviations(times.existing, times[kind])) }).toEqual({
        kind,
        deviations: { asymmetricMatch: (found: number) => found < 4 },
      })
  },
)
