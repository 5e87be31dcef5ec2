import { AuthError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { codeRefused } from './checkCode.ts'
import { checkFactor } from './checkFactor.ts'
import type { FactorInput, FactorProof, ProofOf } from './factorProof.ts'

/** What else belongs to a try, each as its verb needs it. */
interface Steps {
  /** Runs when the user's budget was charged, and before the answer is looked at. Default: nothing */
  begin?(): Promise<void>
  /** Takes `begin` back, where nothing was looked at after all. */
  undo?(): Promise<void>
  /** Notes a wrong answer. @param failures how many in a row there are now; 0 where none are counted */
  refused(failures: number): Promise<void>
}

/**
 * Checks a proof by a factor, for every verb that takes one. It is charged to the user's budget before it is looked at.
 * A right one is given back at once, whatever comes of it: it is no guess. An outage is neither right nor wrong.
 *
 * After 100 failures in a row an app's codes count no more from devices that the user has not used a factor on: a code of
 * six digits would be found in some years. A passkey, a recovery code and a known device do.
 *
 * @throws AuthError BAD_USER_INPUT / CODE_INVALID, PASSKEY_INVALID or FACTOR_INPUT_INVALID, TOO_MANY_REQUESTS
 */
export async function tryFactor(
  parts: Parts,
  visitor: DeviceVisitor,
  input: FactorInput,
  of: ProofOf,
  { begin, undo, refused }: Steps,
): Promise<FactorProof> {
  const attempt = await parts.limits.factor(visitor, of.userId)
  const proof = await attempt.run(async () => {
    await begin?.()
    return checkFactor(parts, visitor, input, of).catch(async error => {
      if (error instanceof AuthError && error.code === 'BAD_USER_INPUT') return error
      await undo?.()
      throw error
    })
  })
  const isRefused = attempt.isLocked && input.totp != null
  const outcome = isRefused && !(proof instanceof AuthError) ? codeRefused(`${of.argument}.totp`) : proof
  if (outcome instanceof AuthError) {
    await refused(attempt.failures)
    throw outcome
  }
  await attempt.succeeded()
  return outcome
}
