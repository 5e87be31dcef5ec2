import { longestSeconds } from './budgets.ts'
import { type BudgetStore, type Charge, type Verdict, waitOf } from './store.ts'

interface Entry {
  spent: number
  /** By `now`, in milliseconds. */
  spentAt: number
  failures: number
}

export interface MemoryStore extends BudgetStore {
  readonly size: number
  /** As `charge`, at once. */
  chargeNow(charges: readonly Charge[]): Verdict
}

/** About 25 MB. */
const mostEntries = 100_000

/**
 * Budgets of one process: of the embedded database, which serves a single one, and of what each node counts for itself.
 * Every step is synchronous, so none comes between the look and the charge.
 *
 * @param now monotonic milliseconds
 */
export function memoryStore(now: () => number = () => performance.now()): MemoryStore {
  /** The least recently charged first. */
  const entries = new Map<string, Entry>()

  const left = ({ key, budget: { most, seconds } }: Charge): number => {
    const entry = entries.get(key.toString('latin1'))
    return entry === undefined
      ? 0
      : Math.max(0, entry.spent - ((now() - entry.spentAt) / 1000) * (most / seconds))
  }

  /** Old entries first: those that time has made whole, and beyond the bound whichever were used least lately. */
  const forget = () => {
    for (const [name, { spentAt, failures }] of entries) {
      const isWhole = failures === 0 && now() - spentAt > longestSeconds * 1000
      if (!isWhole && entries.size <= mostEntries) return
      entries.delete(name)
    }
  }

  const chargeNow = (charges: readonly Charge[]): Verdict => {
    const waits = charges.map(charge => (charge.cost === 0 ? 0 : waitOf(charge.budget, left(charge))))
    if (waits.some(wait => wait > 0)) return { charged: false, waits }
    const failures = charges.map(charge => {
      const name = charge.key.toString('latin1')
      const entry = {
        spent: left(charge) + charge.cost,
        spentAt: now(),
        failures: (entries.get(name)?.failures ?? 0) + charge.failures,
      }
      entries.delete(name)
      entries.set(name, entry)
      return entry.failures
    })
    forget()
    return { charged: true, failures }
  }

  return {
    get size() {
      return entries.size
    },
    chargeNow,
    charge: async charges => chargeNow(charges),

    async settle(settlements) {
      for (const { key, back, failures } of settlements) {
        const entry = entries.get(key.toString('latin1'))
        if (entry === undefined) continue
        entry.spent = Math.max(0, entry.spent - back)
        if (failures === 'none') entry.failures = 0
        else if (failures === 'one less') entry.failures = Math.max(0, entry.failures - 1)
      }
    },
  }
}
