import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { memoryStore } from '../../src/limits/memoryStore.ts'
import type { Charge } from '../../src/limits/store.ts'

/* The arithmetic of budgets, with a clock that the test moves. What every store does: store.test.ts. */

const hour = 3_600_000

function openStore() {
  let now = 0
  const store = memoryStore(() => now)
  return {
    ...store,
    get size() {
      return store.size
    },
    at(milliseconds: number) {
      now = milliseconds
    },
  }
}

const chargeOf = (more: Partial<Charge> = {}): Charge => ({
  key: randomBytes(16),
  budget: { most: 5, seconds: 900 },
  cost: 1,
  failures: 0,
  ...more,
})

describe('a budget in memory', () => {
  it('of 5 in 900 s gives one back every 180 s, and says how long that takes', () => {
    const store = openStore()
    const charge = chargeOf()
    for (let tries = 0; tries < 5; tries++) expect(store.chargeNow([charge]).charged).toBe(true)
    expect(store.chargeNow([charge])).toEqual({ charged: false, waits: [180] })
    store.at(90_000)
    expect(store.chargeNow([charge])).toEqual({ charged: false, waits: [90] })
    store.at(180_000)
    expect(store.chargeNow([charge]).charged).toBe(true)
    expect(store.chargeNow([charge])).toEqual({ charged: false, waits: [180] })
  })

  it('is whole after its time, and never more than whole', () => {
    const store = openStore()
    const charge = chargeOf()
    store.chargeNow([charge])
    store.at(900_000)
    const tries = Array.from({ length: 6 }, () => store.chargeNow([charge]).charged)
    expect(tries).toEqual([true, true, true, true, true, false])
  })

  it('gets back what an attempt was charged, and no more', async () => {
    const store = openStore()
    const charge = chargeOf()
    for (let tries = 0; tries < 3; tries++) store.chargeNow([charge])
    await store.settle([{ key: charge.key, back: 1, failures: 'kept' }])
    const tries = Array.from({ length: 4 }, () => store.chargeNow([charge]).charged)
    expect(tries).toEqual([true, true, true, false])
    // Given back by time already: giving it back once more makes no room for a sixth.
    const other = chargeOf()
    store.chargeNow([other])
    store.at(900_000)
    store.chargeNow([{ ...other, cost: 0 }])
    await store.settle([{ key: other.key, back: 1, failures: 'kept' }])
    const more = Array.from({ length: 6 }, () => store.chargeNow([other]).charged)
    expect(more).toEqual([true, true, true, true, true, false])
  })

  it('counts failures in a row until one less or none is said, and keeps them otherwise', async () => {
    const store = openStore()
    const charge = chargeOf({ failures: 1, cost: 0 })
    const count = () => {
      const verdict = store.chargeNow([charge])
      return verdict.charged ? verdict.failures : undefined
    }
    expect([count(), count()]).toEqual([[1], [2]])
    await store.settle([{ key: charge.key, back: 0, failures: 'kept' }])
    expect(count()).toEqual([3])
    await store.settle([{ key: charge.key, back: 0, failures: 'one less' }])
    expect(count()).toEqual([3])
    await store.settle([{ key: charge.key, back: 0, failures: 'none' }])
    await store.settle([{ key: charge.key, back: 0, failures: 'one less' }])
    expect(count()).toEqual([1])
  })
})

describe('the memory of budgets', () => {
  it('keeps a budget for the hour that the longest takes to be whole, and no longer', () => {
    const store = openStore()
    store.at(1000)
    const used = chargeOf()
    for (let tries = 0; tries < 5; tries++) store.chargeNow([used])
    // Another attempt makes room where there is room to make.
    store.chargeNow([chargeOf()])
    expect(store.chargeNow([used]).charged).toBe(false)
    store.at(hour + 1000)
    store.chargeNow([chargeOf()])
    expect(store.size).toBe(3)
    store.at(hour + 1001)
    store.chargeNow([chargeOf()])
    expect(store.size).toBe(2)
  })

  it('keeps a budget with failures: time gives none of them back', () => {
    const store = openStore()
    const failed = chargeOf({ failures: 1 })
    store.chargeNow([failed])
    store.at(24 * hour)
    store.chargeNow([chargeOf()])
    expect(store.size).toBe(2)
    expect(store.chargeNow([failed])).toEqual({ charged: true, failures: [2] })
  })
})
