import { platform } from '../platform/platform.ts'
import { encode, parse } from '../platform/text.ts'

/**
 * Proves that the sender of an access token also holds the session's refresh token. The server renews only with this
 * proof: base64url(HMAC-SHA-256(refresh token, "annul-renew" || jti)). The proof is valid for this access token only.
 *
 * @returns undefined without crypto.subtle: on pages over plain http, and in React Native
 */
export async function proveRenewal(refreshToken: string, accessToken: string): Promise<string | undefined> {
  const { subtle } = platform.crypto ?? {}
  if (!subtle) return undefined
  const payload = atob((accessToken.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))
  const jti = parse<{ jti: string }>(payload)?.jti
  const algorithm = { name: 'HMAC', hash: 'SHA-256' } as const
  const key = await subtle.importKey('raw', encode(refreshToken), algorithm, false, ['sign'])
  const mac = await subtle.sign('HMAC', key, encode(`annul-renew${jti}`))
  return btoa(String.fromCharCode(...new Uint8Array(mac)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace('=', '')
}
