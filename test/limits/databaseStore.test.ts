import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { databaseStore } from '../../src/limits/databaseStore.ts'
import type { Charge } from '../../src/limits/store.ts'
import { useServer } from '../support/server.ts'

/* What the database refuses, and what is said of several budgets. What every store does: store.test.ts. */

const server = useServer()
const open = () => databaseStore(server.auth.parts.db)

const chargeOf = (most: number, more: Partial<Charge> = {}): Charge => ({
  key: randomBytes(16),
  budget: { most, seconds: 900 },
  cost: 1,
  failures: 0,
  ...more,
})

describe('a charge that loses its race', () => {
  /** A trigger that does with each write what another charge would do in the moment between the look and the write. */
  const whileRefused = async (work: () => Promise<void>, refusal = 'new.spent := null;') => {
    await server.rows(sql`create sequence annul.lost_races`)
    await server.rows(
      sql.raw(`create function annul.lose_race() returns trigger language plpgsql as $$
        begin perform nextval('annul.lost_races'); ${refusal} return new; end $$`),
    )
    await server.rows(sql`create trigger lose_race before insert on annul.budgets
      for each row execute function annul.lose_race()`)
    try {
      await work()
    } finally {
      await server.rows(sql`drop function annul.lose_race cascade`)
      await server.rows(sql`drop sequence annul.lost_races`)
    }
  }
  const triesMade = async () => {
    const [row] = await server.rows<{ tries: number }>(
      sql`select last_value::int as tries from annul.lost_races`,
    )
    return row?.tries
  }

  it('is tried 5 times more, and then refused for a second, wherever it costs something', async () => {
    await whileRefused(async () => {
      const verdict = await open().charge([chargeOf(5), chargeOf(5, { cost: 0, failures: 1 })])
      expect(verdict).toEqual({ charged: false, waits: [1, 0] })
      expect(await triesMade()).toBe(6)
    })
  })

  it('has taken nothing', async () => {
    const charge = chargeOf(1)
    await whileRefused(async () => {
      expect((await open().charge([charge])).charged).toBe(false)
    })
    expect((await open().charge([charge])).charged).toBe(true)
  })

  it('is told from every other failure, which is passed on', async () => {
    await whileRefused(async () => {
      await expect(open().charge([chargeOf(5)])).rejects.toThrow()
      expect(await triesMade()).toBe(1)
    }, "raise exception 'The disk is full.' using errcode = 'disk_full';")
    await whileRefused(async () => {
      await expect(open().charge([chargeOf(5)])).rejects.toThrow()
    }, 'new.failures := null;')
  })
})

describe('the verdict on several budgets', () => {
  it('names each in the order in which they were charged', async () => {
    const store = open()
    const charges = Array.from({ length: 4 }, () => chargeOf(50, { failures: 1 }))
    for (const [index, charge] of charges.entries())
      for (let tries = 0; tries < index; tries++) await store.charge([charge])
    expect(await store.charge(charges)).toEqual({ charged: true, failures: [1, 2, 3, 4] })
    expect(await store.charge([...charges].reverse())).toEqual({ charged: true, failures: [5, 4, 3, 2] })
  })

  it('says no wait of a budget that only counts, however full it is', async () => {
    const store = open()
    const [full, counting] = [chargeOf(1), chargeOf(1)]
    await store.charge([full, counting])
    const verdict = await store.charge([full, { ...counting, cost: 0 }])
    expect(verdict).toEqual({ charged: false, waits: [expect.any(Number), 0] })
    expect(!verdict.charged && Number(verdict.waits[0])).toBeGreaterThan(800)
  })

  it('says no wait of a budget that nobody has charged yet', async () => {
    const store = open()
    const full = chargeOf(1)
    await store.charge([full])
    expect(await store.charge([chargeOf(1), full])).toEqual({
      charged: false,
      waits: [0, expect.any(Number)],
    })
  })
})

it('several budgets are settled in one statement, each by itself', async () => {
  const store = open()
  const [one, other, third] = [0, 1, 2].map(() => chargeOf(10, { failures: 1 })) as [Charge, Charge, Charge]
  for (let tries = 0; tries < 3; tries++) await store.charge([one, other, third])
  await store.settle([
    { key: one.key, back: 1, failures: 'one less' },
    { key: other.key, back: 0, failures: 'kept' },
    { key: third.key, back: 1, failures: 'none' },
  ])
  expect(await store.charge([one, other, third])).toEqual({ charged: true, failures: [3, 4, 1] })
})
