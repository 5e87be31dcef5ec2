import { badUserInput } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { checkRecoveryCode, checkTotp } from './checkCode.ts'
import type { FactorInput, FactorProof, ProofOf } from './factorProof.ts'

/**
 * Checks a proof, and changes nothing.
 *
 * @throws AuthError BAD_USER_INPUT / CODE_INVALID or PASSKEY_INVALID, or FACTOR_INPUT_INVALID where not exactly one proof
 *   is given
 */
export async function checkFactor(parts: Parts, input: FactorInput, of: ProofOf): Promise<FactorProof> {
  const { totp, recoveryCode, passkey } = checkInput(input, of.argument)
  if (totp != null) return checkTotp(parts, totp, { ...of, argument: `${of.argument}.totp` })
  if (recoveryCode != null)
    return checkRecoveryCode(parts, recoveryCode, { ...of, argument: `${of.argument}.recoveryCode` })
  throw badUserInput(`${of.argument}.passkey`, 'PASSKEY_INVALID', `Not served: ${passkey?.id}`)
}

/** @throws AuthError BAD_USER_INPUT / FACTOR_INPUT_INVALID */
export function checkInput(input: FactorInput, argument: string): FactorInput {
  const given = [input.totp, input.recoveryCode, input.passkey].filter(proof => proof != null)
  if (given.length !== 1)
    throw badUserInput(
      argument,
      'FACTOR_INPUT_INVALID',
      'Give exactly one of "totp", "recoveryCode" and "passkey".',
    )
  return input
}
