import { createPublicKey } from 'node:crypto'
import type { decodeCredentialPublicKey } from '@simplewebauthn/server/helpers'

/** ES256, EdDSA (Ed25519) and RS256, by their numbers in COSE, the preferred one first. */
export const passkeyAlgorithms = [-7, -8, -257] as const

/* Labels and values of COSE keys (RFC 9052, 7; RFC 9053, 7; RFC 8230, 4). */
const label = { kty: 1, alg: 3, crv: -1, x: -2, y: -3, n: -1, e: -2 }

/**
 * Checks the public key of a new passkey. Its algorithm is one that was offered, with the one type and curve that WebAuthn
 * has for it (Level 3, 5.8.5): otherwise a signature would be verified by another algorithm than the one that was offered.
 * The key can be used: a point that is not on the curve, for example, would be found out at the first sign-in, when the
 * owner relies on the passkey. An RSA key has 2048 to 4096 bits, because a longer one would make each sign-in costly.
 *
 * @returns the algorithm
 * @throws Error in the words of the log
 */
export function checkPasskeyKey(decoded: ReturnType<typeof decodeCredentialPublicKey>): number {
  // The library's type names no member that all keys have.
  const key = decoded as unknown as ReadonlyMap<number, unknown>
  const bytes = (at: number): string => {
    const value = key.get(at)
    if (!(value instanceof Uint8Array)) throw new Error('The public key lacks a member.')
    return Buffer.from(value).toString('base64url')
  }
  const isOf = (kty: number, crv?: number) =>
    key.get(label.kty) === kty && (crv === undefined || key.get(label.crv) === crv)

  const jwk = () => {
    switch (key.get(label.alg)) {
      case -7:
        return isOf(2, 1) ? { kty: 'EC', crv: 'P-256', x: bytes(label.x), y: bytes(label.y) } : undefined
      case -8:
        return isOf(1, 6) ? { kty: 'OKP', crv: 'Ed25519', x: bytes(label.x) } : undefined
      case -257:
        return isOf(3) ? { kty: 'RSA', n: bytes(label.n), e: bytes(label.e) } : undefined
    }
    return undefined
  }
  const found = jwk()
  if (found === undefined) throw new Error('The algorithm of the public key was not offered.')
  const { asymmetricKeyDetails } = createPublicKey({ key: found, format: 'jwk' })
  const { modulusLength = 2048, publicExponent = 65537n } = asymmetricKeyDetails ?? {}
  if (modulusLength < 2048 || modulusLength > 4096 || publicExponent !== 65537n)
    throw new Error('The RSA key is too short, too long, or of another exponent than 65537.')
  return Number(key.get(label.alg))
}
