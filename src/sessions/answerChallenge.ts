import { appendAudit } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { checkInput } from './checkFactor.ts'
import {
  boundToChallenge,
  type FactorChallenge,
  findChallenge,
  giveTryBack,
  maxTries,
  spendChallenge,
  takeTry,
} from './factorChallenge.ts'
import type { FactorInput, FactorProof } from './factorProof.ts'
import { isReasonToTell, noteRefusal } from './noteRefusal.ts'
import { tryFactor } from './tryFactor.ts'

/** A challenge and a right answer to it. */
export interface Answered {
  readonly challenge: FactorChallenge
  /** Uses the challenge up as well, before the factor: a removal of all factors locks both in this order. */
  readonly proof: FactorProof
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
  const { id, userId } = await findChallenge(parts, visitor, input.challenge, 'input.challenge')
  let challenge: FactorChallenge | undefined
  const of = { userId, boundTo: boundToChallenge({ id }), argument: 'input.factor' }
  const proof = await tryFactor(parts, visitor, factor, of, {
    async begin() {
      challenge = await takeTry(parts.db, id)
    },
    undo: () => giveTryBack(parts.db, id),
    async refused(failures) {
      parts.metrics.loggedIn('factor-refused')
      const isTold = challenge?.tries === maxTries || isReasonToTell(failures)
      await noteRefusal(parts, visitor, userId, isTold, tx =>
        appendAudit(tx, {
          ...{ kind: 'second-factor-failed', userId, ...originOf(visitor) },
          detail: Object.keys(factor).find(name => factor[name as keyof FactorInput] != null),
        }),
      )
    },
  })
  const answered = challenge
  if (answered === undefined) throw new Error('A challenge was answered without a try.')
  const spend = async (tx: Queries) => {
    await spendChallenge(tx, answered)
    await proof.spend(tx)
  }
  return { challenge: answered, proof: { ...proof, spend } }
}
