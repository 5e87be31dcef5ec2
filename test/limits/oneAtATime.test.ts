import { describe, expect, it } from '@jest/globals'
import { memoryStore } from '../../src/limits/memoryStore.ts'
import { oneAtATime } from '../../src/limits/oneAtATime.ts'
import type { Charge, Verdict } from '../../src/limits/store.ts'

/** A store that answers when the test says so, in order of the charges. */
function openStore() {
  const store = memoryStore(() => 0)
  const open: { charges: readonly Charge[]; answer(): void; fail(): void }[] = []
  let asked = 0
  const charge = oneAtATime({
    charge(charges) {
      asked++
      return new Promise<Verdict>((resolve, reject) => {
        open.push({
          charges,
          answer: () => resolve(store.chargeNow(charges)),
          fail: () => reject(new Error('The database does not answer.')),
        })
      })
    },
  })
  /** Lets everybody go on who can. */
  const settled = () => new Promise(resolve => setImmediate(resolve))
  return {
    charge,
    settled,
    get asked() {
      return asked
    },
    async next(how: 'answer' | 'fail' = 'answer') {
      open.shift()?.[how]()
      await settled()
    },
  }
}

const chargeOf = (key: string, more: Partial<Charge> = {}): Charge => ({
  key: Buffer.from(key),
  budget: { most: 2, seconds: 900 },
  cost: 1,
  failures: 1,
  ...more,
})

describe('charges of the same budgets', () => {
  it('ask the store one after the other, until one is refused: whoever waits then is refused with it', async () => {
    const store = openStore()
    const verdicts: boolean[] = []
    for (let tries = 0; tries < 50; tries++)
      void store.charge([chargeOf('a')]).then(({ charged }) => verdicts.push(charged))
    for (const expected of [1, 2, 3]) {
      await store.settled()
      expect(store.asked).toBe(expected)
      await store.next()
    }
    expect(verdicts).toEqual([true, true, ...Array(48).fill(false)])
    // The next one asks again.
    void store.charge([chargeOf('a')])
    await store.settled()
    expect(store.asked).toBe(4)
  })

  it('fail with the one that they wait for, and the next asks again', async () => {
    const store = openStore()
    const waiting = Promise.allSettled([1, 2, 3].map(() => store.charge([chargeOf('a')])))
    await store.settled()
    await store.next('fail')
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    const later = store.charge([chargeOf('a')])
    await store.settled()
    expect(store.asked).toBe(2)
    await store.next()
    expect(await later).toEqual({ charged: true, failures: [1] })
  })
})

it.each<[string, readonly Charge[]]>([
  ['another key', [chargeOf('b'), chargeOf('x')]],
  ['another cost', [chargeOf('a', { cost: 0 }), chargeOf('x')]],
  ['another count of failures', [chargeOf('a', { failures: 0 }), chargeOf('x')]],
  ['one budget less', [chargeOf('a')]],
  ['one budget more', [chargeOf('a'), chargeOf('x'), chargeOf('y')]],
  ['another order', [chargeOf('x'), chargeOf('a')]],
])('Charges with %s ask the store beside each other', async (_, other) => {
  const store = openStore()
  void store.charge([chargeOf('a'), chargeOf('x')])
  void store.charge(other)
  await store.settled()
  expect(store.asked).toBe(2)
})
