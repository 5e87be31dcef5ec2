import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { databaseStore } from '../../src/limits/databaseStore.ts'
import { expiredBudgets } from '../../src/limits/expiredBudgets.ts'
import { memoryStore } from '../../src/limits/memoryStore.ts'
import type { BudgetStore, Charge } from '../../src/limits/store.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

const chargeOf = (most: number, more: Partial<Charge> = {}): Charge => ({
  key: randomBytes(16),
  budget: { most, seconds: 900 },
  cost: 1,
  failures: 1,
  ...more,
})

const stores: [string, () => BudgetStore][] = [
  ['the database', () => databaseStore(server.auth.parts.db)],
  ['memory', () => memoryStore()],
]

describe.each(stores)('budgets in %s', (_, open) => {
  const race = async (charges: (index: number) => readonly Charge[], count = 200) => {
    const store = open()
    const verdicts = await Promise.all(
      Array.from({ length: count }, (_, index) => store.charge(charges(index))),
    )
    return { store, charged: verdicts.filter(({ charged }) => charged).length }
  }

  it('of 5 let 5 of 200 through that come at once', async () => {
    const charge = chargeOf(5)
    expect((await race(() => [charge])).charged).toBe(5)
  })

  it('are charged all or none, in whatever order they are named', async () => {
    const [wide, narrow, other] = [chargeOf(50), chargeOf(5), chargeOf(1000)]
    const both = [wide, narrow, other]
    const { store, charged } = await race(index => (index % 2 === 0 ? both : [...both].reverse()))
    expect(charged).toBe(5)
    // 45 of 50 are left: the 195 that were refused took nothing.
    const verdicts = await Promise.all(Array.from({ length: 60 }, () => store.charge([wide])))
    expect(verdicts.filter(verdict => verdict.charged)).toHaveLength(45)
  })

  it('say how long to wait, and count failures without a charge', async () => {
    const store = open()
    const [full, free] = [chargeOf(1), chargeOf(10)]
    expect(await store.charge([free, full])).toEqual({ charged: true, failures: [1, 1] })
    const refused = await store.charge([free, full])
    expect(refused).toEqual({ charged: false, waits: [0, expect.any(Number)] })
    if (!refused.charged) expect(refused.waits[1]).toBeGreaterThan(700)
    const counted = { ...full, cost: 0 as const }
    expect(await store.charge([counted])).toEqual({ charged: true, failures: [2] })
    await store.settle([{ key: full.key, back: 1, failures: 'one less' }])
    expect(await store.charge([full])).toEqual({ charged: true, failures: [2] })
    await store.settle([{ key: full.key, back: 0, failures: 'none' }])
    expect(await store.charge([counted])).toEqual({ charged: true, failures: [1] })
    // Nothing is made of a key that nobody charged.
    await store.settle([{ key: randomBytes(16), back: 1, failures: 'none' }])
  })
})

describe('budgets in memory', () => {
  it('are at most 100,000, and the ones used least lately go first', async () => {
    const store = memoryStore(() => 0)
    const [first, second] = [chargeOf(5), chargeOf(5)]
    store.chargeNow([first, second])
    for (let count = 0; count < 99_999; count++) {
      store.chargeNow([chargeOf(5)])
      if (count === 50_000) store.chargeNow([first])
    }
    expect(store.size).toBe(100_000)
    expect(store.chargeNow([first])).toEqual({ charged: true, failures: [3] })
    expect(store.chargeNow([second])).toEqual({ charged: true, failures: [1] })
  })

  it('go when time has made them whole, unless they have failures', async () => {
    let now = 0
    const store = memoryStore(() => now)
    for (let count = 0; count < 50; count++) store.chargeNow([chargeOf(5, { failures: 0 })])
    now = 3_600_001
    store.chargeNow([chargeOf(5)])
    expect(store.size).toBe(1)
  })
})

const onlyPostgres = onPostgres ? it : it.skip
onlyPostgres('housekeeping removes budgets that are whole, and failures after 90 days', async () => {
  await server.rows(sql`delete from annul.budgets`)
  const keys = Array.from({ length: 4 }, () => randomBytes(16))
  const ages: [number, number][] = [
    [3599, 0],
    [3601, 0],
    [89 * 86_400, 1],
    [91 * 86_400, 1],
  ]
  for (const [index, [seconds, failures]] of ages.entries())
    await server.rows(sql`insert into annul.budgets (key, spent, spent_at, failures)
      values (${keys[index]}, 1, now() - make_interval(secs => ${seconds}), ${failures})`)
  await server.rows(expiredBudgets(1000))
  const left = await server.rows<{ key: Uint8Array }>(sql`select key from annul.budgets`)
  expect(left.map(({ key }) => Buffer.from(key).toString('hex')).sort()).toEqual(
    [keys[0], keys[2]].map(key => key?.toString('hex')).sort(),
  )
})
