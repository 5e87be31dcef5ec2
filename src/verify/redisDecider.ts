import { type Reason, unauthenticated, unavailable } from '../errors.ts'
import type { Log } from '../log.ts'
import { keyIdOf, tokenVerifier } from '../tokens/accessToken.ts'
import { readHeader } from '../tokens/compactToken.ts'
import type { ViewerClaims } from '../viewer.ts'
import { refuseBound } from './boundTokens.ts'
import { type Decider, type VerifierDecision, viewerOf } from './decider.ts'
import type { JwksKeys } from './jwksKeys.ts'
import { NoAnswer } from './noAnswer.ts'
import type { RedisRevocations } from './redis.ts'

interface RedisDeciderOptions {
  readonly revocations: RedisRevocations
  readonly keys: JwksKeys
  readonly issuer: string
  readonly audience: string
  readonly acceptBound: boolean
  readonly log: Log
  readonly isClosed: () => boolean
}

/** Token -> claims -> verdict, by the mirror in Redis and the keys at a URL. */
export function openRedisDecider(options: RedisDeciderOptions): Decider {
  const { revocations, keys, issuer, audience, log, isClosed } = options
  const isUnbound = refuseBound(options)
  const now = () => revocations.now() ?? Date.now() / 1000
  const tokens = tokenVerifier({ keys, issuer, audience, now })

  const check = async (token: string): Promise<VerifierDecision> => {
    // Without the database's time, this machine's clock would decide which tokens have expired.
    if (revocations.now() === undefined) await revocations.look()
    await keys.refresh()
    if (tokens.hasUnknownKey(token)) await learnKey(token)
    const claims = tokens.verify(token)
    if (typeof claims === 'string') return unauthenticated(claims)
    if (!isUnbound(claims)) return unauthenticated('TOKEN_INVALID')
    const reason = await verdict(claims)
    // The answer has brought a time, by which the token may have expired.
    const verified = tokens.verify(token)
    if (typeof verified === 'string') return unauthenticated(verified)
    return reason === undefined ? viewerOf(verified) : unauthenticated(reason)
  }

  /** A revoked key is no longer among the keys at the URL. */
  const learnKey = async (token: string): Promise<void> => {
    const kid = String(readHeader(token, token.length)?.kid)
    if (await revocations.isKeyRevoked(kid)) keys.noteRevoked(kid)
    else await keys.refreshForUnknown()
  }

  /** @throws NoAnswer */
  const verdict = async (claims: ViewerClaims): Promise<Reason | undefined> => {
    const kid = keyIdOf(claims)
    if (kid === undefined) throw new TypeError('These are no claims that this verifier has accepted.')
    const reason = await revocations.verdict(claims, kid)
    if (reason === 'KEY_REVOKED') keys.noteRevoked(kid)
    if (isClosed()) throw new NoAnswer('The verifier is closed.')
    return reason
  }

  return {
    decide(token) {
      if (token === undefined) return unauthenticated('TOKEN_MISSING')
      if (isClosed()) return unavailable()
      return check(token).catch(error => {
        if (!(error instanceof NoAnswer)) log.error({ err: error }, 'A decision failed.')
        return unavailable()
      })
    },
    reask: verdict,
    now,
  }
}
