import type { BudgetStore, Charge, Verdict } from './store.ts'

/**
 * Charges of the very same budgets, one at a time on this node. Whoever waits while one is refused is refused with it,
 * and whoever waits while the store fails fails with it. So a flood of attempts on one account from one address asks the
 * database once at a time, however many there are. What is charged is decided by the store alone.
 */
export function oneAtATime(store: Pick<BudgetStore, 'charge'>): BudgetStore['charge'] {
  const running = new Map<string, Promise<Verdict>>()
  return async charges => {
    const line = lineOf(charges)
    for (let before = running.get(line); before !== undefined; before = running.get(line)) {
      const verdict = await before
      if (!verdict.charged) return verdict
    }
    const charging = store.charge(charges).finally(() => running.delete(line))
    running.set(line, charging)
    return charging
  }
}

function lineOf(charges: readonly Charge[]): string {
  return charges.map(({ key, cost, failures }) => `${key.toString('hex')} ${cost} ${failures}`).join()
}
