import { createHmac, timingSafeEqual } from 'node:crypto'

/** 32 bytes in base64url. */
const form = /^[A-Za-z0-9_-]{43}$/

/** Whether a text could be a proof: any other text is refused without a query. */
export function hasProofForm(text: string): boolean {
  return form.test(text)
}

/**
 * Whether the maker of a proof held a refresh token: base64url(HMAC-SHA-256(key = the refresh token's text,
 * message = "annul-renew" || jti)). A proof is useless for another access token and useless without its access token,
 * and reveals nothing about the refresh token. Compared in constant time, and as text, so that one spelling passes.
 *
 * @param jti of the access token that is to be renewed
 */
export function isRenewalProof(proof: string, refreshToken: string, jti: string): boolean {
  const expected = createHmac('sha256', refreshToken).update(`annul-renew${jti}`).digest('base64url')
  return hasProofForm(proof) && timingSafeEqual(Buffer.from(proof), Buffer.from(expected))
}
