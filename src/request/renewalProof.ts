import type { RenewalProof } from '../sessions/renewAccessToken.ts'
import { hasProofForm } from '../tokens/renewalProof.ts'
import type { RequestState } from './context.ts'

/**
 * What a request brings as proof that its sender holds the session's refresh token: with `annul-renew: 1` an authentic
 * refresh cookie from an allowed origin, else the header's own text. Asks nobody.
 *
 * @returns undefined where there is no proof, so that the request is answered as if it had not asked
 */
export function readRenewalProof({ cookies, parts, renewal }: RequestState): RenewalProof | undefined {
  if (renewal !== '1') return renewal !== undefined && hasProofForm(renewal) ? { proof: renewal } : undefined
  if (cookies.refreshToken === undefined || !cookies.isAllowed()) return undefined
  const cookie = parts.refreshTokens.read(cookies.refreshToken)
  // Of the previous secret: renewals would keep the session alive for longer than its refresh token is accepted. A
  // refresh, which comes in place of a renewal, makes a token of the present secret.
  return typeof cookie === 'string' || cookie.previous ? undefined : { cookie }
}
