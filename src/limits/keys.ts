import { createHmac } from 'node:crypto'
import { deriveKey } from '../tokens/secret.ts'
import type { BudgetName } from './budgets.ts'

/** The key of one budget of one account, address or device. */
export type BudgetKey = (budget: BudgetName, ...of: readonly string[]) => Buffer

const bytes = 16

/**
 * Keys are MACs: whoever reads the table learns no e-mail and no address from it, and can't tell whether a guessed one is
 * there. An account has its keys whether or not it exists.
 */
export function budgetKeys(secret: Uint8Array): BudgetKey {
  const key = deriveKey(secret, 'budgets v1')
  // As JSON, so that no two lists are one text.
  return (...of) => createHmac('sha256', key).update(JSON.stringify(of)).digest().subarray(0, bytes)
}
