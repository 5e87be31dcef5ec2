import { platform } from '../platform/platform.ts'
import { encode, parse } from '../platform/text.ts'

/**
 * Proves that the sender of an access token also holds the session's refresh token. The server renews only with this
 * proof: base64url(HMAC-SHA-256(refresh token, "annul-renew" || jti)). The proof is valid for this access token only.
 *
 * @returns undefined without crypto.subtle: on pages over plain http, and in React Native
 */
export async function proveRenewal(
  refreshToken: string | undefined,
  accessToken: string,
): Promise<string | undefined> {
  const { subtle } = platform.crypto ?? {}
  if (!subtle || !refreshToken) return undefined
  const payload = atob((accessToken.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))
  const jti = parse<{ jti: string }>(payload)?.jti
  const algorithm = { name: 'HMAC', hash: 'SHA-256' } as const
  const keyOf = (bytes: Uint8Array | ArrayBuffer) => subtle.importKey('raw', bytes, algorithm, true, ['sign'])
  const key = await keyOf(encode(refreshToken))
  const mac = await subtle.sign('HMAC', key, encode(`annul-renew${jti}`))
  // A key that is exported as JWK is in base64url.
  return (await subtle.exportKey('jwk', await keyOf(mac))).k
}
