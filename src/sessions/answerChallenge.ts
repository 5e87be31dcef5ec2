import { appendAuditAlone } from '../audit/appendAudit.ts'
import { AuthError } from '../errors.ts'
import { originOf } from '../input/origin.ts'
import type { Attempt } from '../limits/limits.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { checkFactor, checkInput } from './checkFactor.ts'
import { boundToChallenge, type FactorChallenge, findChallenge, takeTry } from './factorChallenge.ts'
import type { FactorInput, FactorProof } from './factorProof.ts'

/** A challenge and a right answer to it. Both are used up in the transaction of what they allow. */
export interface Answered {
  readonly challenge: FactorChallenge
  readonly proof: FactorProof
  readonly attempt: Attempt
}

/**
 * Checks an answer to a challenge. One try of the challenge and one of the account's budget are charged before the answer
 * is looked at, each in one atomic statement: so no number of answers at once is checked more often than that.
 *
 * @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID, CODE_INVALID, PASSKEY_INVALID or FACTOR_INPUT_INVALID,
 *   TOO_MANY_REQUESTS
 */
export async function answerChallenge(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { challenge: string; factor: FactorInput },
): Promise<Answered> {
  const factor = checkInput(input.factor, 'input.factor')
  const found = await findChallenge(parts, visitor, input.challenge, 'input.challenge')
  const attempt = await parts.limits.charge(visitor, 'factor', { account: found.account })
  const challenge = await attempt.run(() => takeTry(parts.db, found.id))
  const { userId } = challenge
  const boundTo = boundToChallenge(challenge)
  try {
    const proof = await checkFactor(parts, visitor, factor, { userId, boundTo, argument: 'input.factor' })
    return { challenge, proof, attempt }
  } catch (error) {
    // An outage is no wrong answer.
    if (error instanceof AuthError && error.code === 'BAD_USER_INPUT') {
      parts.metrics.loggedIn('factor-refused')
      await appendAuditAlone(parts, {
        kind: 'second-factor-failed',
        userId,
        detail: Object.keys(factor).find(name => factor[name as keyof FactorInput] != null),
        ...originOf(visitor),
      })
    } else await attempt.succeeded()
    throw error
  }
}
