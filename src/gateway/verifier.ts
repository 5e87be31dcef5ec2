import { AuthError } from '../errors.ts'
import type { Passage } from './passage.ts'

/** Decides about access tokens: the verifier of `annul/verify`, or whatever else keeps Annul's promise. */
export interface TokenVerifier {
  /** @returns the viewer, or the AuthError that says why there is none */
  decide(token: string): TokenDecision | Promise<TokenDecision>
}

/** The viewer, or why there is none. */
export type TokenDecision = { readonly userId: string } | AuthError

/**
 * @internal
 * Why a request may not be sent on to a service: decided anew for each subrequest. A request without a token is sent on,
 * because services have fields for everybody.
 *
 * @throws what the verifier throws, and TypeError where it has answered neither: then nothing is sent either
 */
export function refusalBy(
  verifier: TokenVerifier | undefined,
  passage: Passage,
): AuthError | undefined | Promise<AuthError | undefined> {
  const { token } = passage
  if (verifier === undefined || token === undefined) return undefined
  const decision = verifier.decide(token)
  return decision instanceof Promise ? decision.then(errorOf) : errorOf(decision)
}

function errorOf(decision: TokenDecision): AuthError | undefined {
  if (decision instanceof AuthError) return decision
  if (typeof Object(decision).userId === 'string' && !(decision instanceof Error)) return undefined
  throw new TypeError('The verifier has answered neither a viewer nor an AuthError.')
}
