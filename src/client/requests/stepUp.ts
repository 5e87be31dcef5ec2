import type { ErrorExtensions } from '../error.ts'
import { type StepUpAnswer, untilRight } from '../questions.ts'
import type { LocalState } from '../tokens/localState.ts'
import type { GraphQLFailure, SessionOptions } from '../types.ts'

/**
 * Asks the app for a proof.
 *
 * @param token the access token that did not prove enough
 * @param wanted the errors REAUTHENTICATION_REQUIRED of one answer
 * @returns whether the session has a token now that proves enough
 */
export type StepUp = (token: string, wanted: readonly GraphQLFailure[]) => Promise<boolean>

/**
 * @param onStepUp undefined where the app does not want to be asked
 * @param prove gives the answer to the server, and takes the new access token
 */
export function createStepUp(
  local: LocalState,
  onStepUp: SessionOptions['onStepUp'],
  prove: (answer: StepUpAnswer) => Promise<unknown>,
): StepUp {
  /** The question that the user is answering. */
  let asked: Promise<boolean> | undefined

  return async (token, wanted) => {
    if (!onStepUp) return false
    // One question at a time. Who gives up one of them, gives up all that wait.
    while (asked) if (!(await asked)) return false
    const { maxAge, mfa = false }: ErrorExtensions =
      (wanted.find(({ extensions }) => extensions?.mfa) ?? wanted[0])?.extensions ?? {}
    // The answer to another operation's question may have been enough for this one, too.
    const { access, life } = local
    if (access && access.token !== token && access.proof > +mfa) return true

    asked = untilRight(
      error => onStepUp({ maxAge, mfa, error }),
      // After a logout, the answer is not about the session that the question was about.
      answer => life === local.life && prove(answer),
    )
      .then(Boolean, () => false)
      .finally(() => {
        asked = undefined
      })
    return asked
  }
}
