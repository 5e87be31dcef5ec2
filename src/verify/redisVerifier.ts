import { AuthError, unauthenticated } from '../errors.ts'
import type { VerifiedClaims } from '../tokens/accessClaims.ts'
import { keyIdOf, tokenVerifier } from '../tokens/accessToken.ts'
import { JwksKeys } from './jwksKeys.ts'
import type { Revocations } from './redis.ts'

export interface RedisVerifierOptions {
  /** What `redis(client)` returns. */
  readonly revocations: Revocations
  /** The URL of the JWKS: `https://auth.example.com/.well-known/jwks.json`. */
  readonly keys: string | URL
  readonly issuer: string
  readonly audience: string
}

/** Decides about access tokens by the mirror in Redis, and by the keys at a URL. */
export interface RedisVerifier {
  /** @returns the claims, or why the token is refused: UNAUTHENTICATED, or UNAVAILABLE where nobody knows now */
  decide(token: string): Promise<VerifiedClaims | AuthError>
}

/** @throws TypeError for a URL of keys that is not safe */
export function redisVerifier({
  revocations,
  keys: url,
  issuer,
  audience,
}: RedisVerifierOptions): RedisVerifier {
  const keys = new JwksKeys(url)
  const now = () => {
    const time = revocations.now()
    // `decide` has looked before.
    if (time === undefined) throw new Error('The time is not known.')
    return time
  }
  const tokens = tokenVerifier({ keys, issuer, audience, now })

  const check = async (token: string): Promise<VerifiedClaims | AuthError> => {
    if (revocations.now() === undefined) await revocations.look()
    await keys.refresh()
    if (tokens.hasUnknownKey(token)) await keys.refreshForUnknown()
    const claims = tokens.verify(token)
    if (typeof claims === 'string') return unauthenticated(claims)
    const reason = await revocations.verdict(claims, keyIdOf(claims) ?? '')
    // The answer has brought a time, by which the token may have expired.
    const verified = tokens.verify(token)
    if (typeof verified === 'string') return unauthenticated(verified)
    return reason === undefined ? verified : unauthenticated(reason)
  }

  return {
    async decide(token) {
      try {
        return await check(token)
      } catch (error) {
        if (error instanceof AuthError) return error
        throw error
      }
    },
  }
}
