import type { Failure } from '../data/failure.ts'
import { texts } from '../texts/en.ts'

/**
 * What is wrong with the value of a field.
 *
 * @param argument the path of the argument that the field fills, such as `input.email`
 */
export function problemAt(failure: Failure | undefined, argument: string): string | undefined {
  if (failure?.argument !== argument) return undefined
  return texts.account.problems[failure.reason ?? ''] ?? failure.message
}
