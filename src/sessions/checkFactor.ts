import { type AuthError, badUserInput } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { Visitor } from '../viewer.ts'
import { checkRecoveryCode, checkTotp } from './checkCode.ts'
import { checkPasskey } from './checkPasskey.ts'
import type { FactorInput, FactorProof, ProofOf } from './factorProof.ts'

/**
 * Checks a proof, and changes nothing.
 *
 * @param input of `checkInput`
 * @throws AuthError BAD_USER_INPUT / CODE_INVALID or PASSKEY_INVALID
 */
export async function checkFactor(
  parts: Parts,
  visitor: Visitor,
  input: FactorInput,
  of: ProofOf,
): Promise<FactorProof> {
  const { totp, recoveryCode, passkey } = input
  if (totp != null) return checkTotp(parts, totp, { ...of, argument: `${of.argument}.totp` })
  if (recoveryCode != null)
    return checkRecoveryCode(parts, recoveryCode, { ...of, argument: `${of.argument}.recoveryCode` })
  if (passkey == null) throw factorInputInvalid(of.argument)
  // The user is known already, by the password or by the session.
  const wanted = { ...of, userVerification: false, argument: `${of.argument}.passkey` }
  return checkPasskey(parts, visitor, passkey, wanted)
}

/** @throws AuthError BAD_USER_INPUT / FACTOR_INPUT_INVALID where not exactly one proof is given */
export function checkInput(input: FactorInput, argument: string): FactorInput {
  const given = [input.totp, input.recoveryCode, input.passkey].filter(proof => proof != null)
  if (given.length !== 1) throw factorInputInvalid(argument)
  return input
}

function factorInputInvalid(argument: string): AuthError {
  return badUserInput(
    argument,
    'FACTOR_INPUT_INVALID',
    'Give exactly one of "totp", "recoveryCode" and "passkey".',
  )
}
