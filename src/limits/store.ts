import type { Budget } from './budgets.ts'

/** One budget of one account, address or device, as an attempt is charged to it. */
export interface Charge {
  /** A MAC (limits/keys.ts), so that what is stored tells neither account nor address. */
  readonly key: Buffer
  readonly budget: Budget
  /** 0: only the failures are counted, and the budget refuses nothing. */
  readonly cost: 0 | 1
  /** 1: the attempt counts as failed until it is known to have succeeded. */
  readonly failures: 0 | 1
}

/** Either every budget of an attempt is charged, or none. */
export type Verdict =
  /** `failures`: of each charge, those in a row, with this attempt. */
  | { readonly charged: true; readonly failures: readonly number[] }
  /** `waits`: of each charge, the seconds until its budget has room; 0 where it has room now. */
  | { readonly charged: false; readonly waits: readonly number[] }

/** What becomes of a charge when the attempt has ended otherwise than by a failure. */
export interface Settlement {
  readonly key: Buffer
  readonly back: 0 | 1
  readonly failures: 'one less' | 'none' | 'kept'
}

/** Where budgets are kept: limits/databaseStore.ts, limits/memoryStore.ts. */
export interface BudgetStore {
  charge(charges: readonly Charge[]): Promise<Verdict>
  settle(settlements: readonly Settlement[]): Promise<void>
}

/** How long until a budget that has `spent` gives back enough for one attempt. */
export function waitOf({ most, seconds }: Budget, spent: number): number {
  return Math.max(0, ((spent + 1 - most) * seconds) / most)
}
