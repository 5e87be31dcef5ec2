import type { Reason } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { VerifiedClaims } from '../tokens/accessClaims.ts'
import type { FormerToken } from '../tokens/formerTokens.ts'
import type { RefreshClaims } from '../tokens/refreshToken.ts'

type TokenParts = Pick<Parts, 'accessTokens' | 'formerTokens' | 'keys' | 'refreshTokens'>

/** An authentic token of some kind. Whether it was revoked is not known from it. */
export type ReadToken =
  | { readonly kind: 'access'; readonly claims: VerifiedClaims }
  | { readonly kind: 'former'; readonly token: FormerToken }
  | { readonly kind: 'refresh'; readonly claims: RefreshClaims }

/**
 * Finds out what a token is. `token_type_hint` (RFC 7662, 2.1; RFC 7009, 2.1) is not needed: the kinds can't be mistaken
 * for each other.
 *
 * @returns the token, or why it is none that can be live
 * @throws the driver's error when a new signing key can't be looked up
 */
export async function readToken(parts: TokenParts, token: string): Promise<ReadToken | Reason> {
  const refresh = parts.refreshTokens.read(token)
  if (typeof refresh !== 'string') return { kind: 'refresh', claims: refresh }
  // No refresh token of any secret is an access token.
  if (refresh !== 'malformed') return 'TOKEN_INVALID'
  const known = readAccessToken(parts, token)
  if (known !== 'TOKEN_INVALID' || !parts.accessTokens.hasUnknownKey(token)) return known
  await parts.keys.reload()
  return readAccessToken(parts, token)
}

function readAccessToken({ accessTokens, formerTokens }: TokenParts, token: string): ReadToken | Reason {
  const claims = accessTokens.verify(token)
  if (typeof claims !== 'string') return { kind: 'access', claims }
  const former = claims === 'TOKEN_INVALID' ? formerTokens.verify(token) : undefined
  if (former === undefined) return claims
  return typeof former === 'string' ? former : { kind: 'former', token: former }
}
