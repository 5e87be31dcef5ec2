import { type KeyObject, randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { type Reason, unavailable } from '../errors.ts'
import { lacksFactorFor } from '../factors/amr.ts'
import type { AcceptedAlgorithm } from './acceptOptions.ts'
import type { AccessClaims, VerifiedClaims } from './accessClaims.ts'
import { readHeader } from './compactToken.ts'
import { deepFreeze } from './deepFreeze.ts'
import { type KeySet, signingAlgorithms } from './keySet.ts'
import type { SigningKeys } from './signingKeys.ts'
import { VerifiedTokens } from './verifiedTokens.ts'

/** The claims that the caller read from one row version; `sign` adds the others. */
export type AccessGrant = Omit<AccessClaims, 'iss' | 'aud' | 'client_id' | 'jti'>

/** @internal */
export interface TokenVerifier {
  /** The claims of an authentic token that has not expired, or why it is refused. Versions are not looked at here. */
  verify(token: string): VerifiedClaims | Reason
  /** Whether `verify` might answer otherwise once the keys were read again. */
  hasUnknownKey(token: string): boolean
}

/** @internal */
export interface AccessTokens extends TokenVerifier {
  /**
   * @param own an app's claims, by other names than Annul's (ownClaims.ts)
   * @throws AuthError UNAVAILABLE when the versions were read more than 30 s ago
   * @throws Error for a token so long that `verify` would refuse it
   */
  sign(grant: AccessGrant, own?: Readonly<Record<string, unknown>>): string
}

/** The id of the key that signed a token, by the token's verified claims. */
const keyIds = new WeakMap<object, string>()

/** The id of the key that signed a token; undefined for claims that neither `verify` nor an auth node has returned. */
export function keyIdOf(claims: object): string | undefined {
  return keyIds.get(claims)
}

/** Notes the key of an access token that an auth node has verified, for the claims that the node has answered with. */
export function noteKeyOf(claims: object, token: string): void {
  const header = readTokenHeader(token)
  if (header !== undefined) keyIds.set(claims, header.kid)
}

/**
 * Longer tokens are refused unread. Enough for 2,000 characters of roles and scopes (admin/setUserAccess.ts) and 1,000
 * of an app's claims, which are 4,000 in base64, beside Annul's own claims: with the longest issuer and audience, and a
 * signature by RSA of 342 characters, a token is 5,999 bytes long.
 */
const maxBytes = 6144
const rememberedTokens = 10_000
/** How far another node's estimate of database time may be ahead of this node's. */
export const leewaySeconds = 5
/**
 * A revocation is remembered for as long as a token can live whose versions were read before it. So no token is signed
 * later than this after the read.
 */
const signWithinSeconds = 30

/** What tokens are checked against. `now` is database time in seconds. */
interface Expected<Keys> {
  readonly keys: Keys
  readonly issuer: string
  readonly audience: string
  readonly now: () => number
  /** Roles that no token carries without a second factor (ANNUL_MFA_ROLES); default none, for services that verify. */
  readonly mfaRoles?: readonly string[]
}

/**
 * Signs and verifies access tokens (RFC 9068).
 *
 * @internal
 */
export function accessTokens(expected: Expected<SigningKeys>): AccessTokens {
  const { keys, issuer, audience, now } = expected
  return {
    ...tokenVerifier(expected),

    sign(grant, own) {
      if (now() - grant.iat > signWithinSeconds) throw unavailable()
      const { kid, algorithm, privateKey } = keys.current()
      const claims: AccessClaims = {
        ...own,
        iss: issuer,
        aud: audience,
        client_id: audience,
        jti: randomUUID(),
        ...grant,
      }
      const token = jwt.sign(claims, privateKey, {
        algorithm,
        keyid: kid,
        header: { alg: algorithm, typ: 'at+jwt' },
      })
      if (token.length > maxBytes)
        throw new Error(`An access token would be ${token.length} bytes long, and ${maxBytes} are allowed.`)
      return token
    },
  }
}

/**
 * Verifies access tokens. jsonwebtoken checks the signature; everything that it lets pass (unknown `crit`, embedded keys,
 * missing `exp`, future `iat`, text as payload, any `typ`, other spellings of the same bytes) is refused here.
 *
 * @internal
 */
export function tokenVerifier(expected: Expected<KeySet>): TokenVerifier {
  const { keys, issuer, audience, now, mfaRoles = [] } = expected
  const verified = new VerifiedTokens<Claims>(rememberedTokens)

  /** Everything about a token that does not change with time. */
  const authenticate = (token: string): Claims | 'TOKEN_INVALID' | 'TOKEN_EXPIRED' | 'KEY_REVOKED' => {
    const header = readTokenHeader(token)
    const key = header && keys.find(header.kid)
    if (header !== undefined && keys.isRevoked(header.kid)) return 'KEY_REVOKED'
    const payload =
      key?.algorithm === header?.alg && key && checkSignature(token, key.publicKey, key.algorithm)
    if (!key || !isAccessClaims(payload) || payload.iss !== issuer || payload.aud !== audience)
      return 'TOKEN_INVALID'
    // Of a time before the setting. Treated as expired, so that an honest client refreshes and is issued what it may have.
    if (lacksFactorFor(payload, mfaRoles)) return 'TOKEN_EXPIRED'
    // The claims are shared by all requests with this token, and by an app's resolvers: nobody may change them.
    deepFreeze(payload)
    verified.set(token, payload)
    keyIds.set(payload, key.kid)
    return payload
  }

  return {
    verify(token) {
      const claims = verified.get(token, keys.version) ?? authenticate(token)
      if (typeof claims === 'string') return claims
      const time = now()
      if (claims.iat > time + leewaySeconds || (claims.nbf ?? 0) > time + leewaySeconds)
        return 'TOKEN_INVALID'
      if (claims.exp > time) return claims
      verified.delete(token)
      return 'TOKEN_EXPIRED'
    },

    hasUnknownKey(token) {
      const header = readTokenHeader(token)
      return header !== undefined && keys.find(header.kid) === undefined && !keys.isRevoked(header.kid)
    },
  }
}

/**
 * The key is chosen by a known id alone. A header that brings its own key (`jwk`, `jku`, `x5c`, `x5u`), asks for an
 * extension (`crit`) or names an algorithm that no key is made for is refused: exactly three members are allowed.
 */
function readTokenHeader(token: string): { readonly kid: string; readonly alg: string } | undefined {
  const header = readHeader(token, maxBytes)
  if (header === undefined || Object.keys(header).sort().join() !== 'alg,kid,typ') return undefined
  const { alg, kid, typ } = header
  if (typeof kid !== 'string' || typ !== 'at+jwt') return undefined
  return signingAlgorithms.some(each => each === alg) ? { kid, alg: String(alg) } : undefined
}

/**
 * The payload of a token whose signature is right, which may be of any shape; undefined for every other token. With one
 * algorithm and a key object: with a text as key, or several algorithms, jsonwebtoken accepts forgeries.
 */
export function checkSignature(token: string, key: KeyObject, algorithm: AcceptedAlgorithm): unknown {
  try {
    // Times are checked by the caller, against the database's clock.
    return jwt.verify(token, key, {
      algorithms: [algorithm],
      ignoreExpiration: true,
      ignoreNotBefore: true,
    })
  } catch {
    return undefined
  }
}

type Claims = VerifiedClaims & { readonly nbf?: number }

function isAccessClaims(payload: unknown): payload is Claims {
  if (typeof payload !== 'object' || payload === null) return false
  const claims = payload as Record<string, unknown>
  return (
    [claims.sub, claims.sid].every(id => typeof id === 'string' && uuid.test(id)) &&
    [claims.exp, claims.iat, claims.ver, claims.epoch, claims.auth_time].every(isWhole) &&
    (claims.nbf === undefined || isWhole(claims.nbf)) &&
    [claims.jti, claims.scope, claims.client_id].every(text => typeof text === 'string') &&
    isTexts(claims.roles) &&
    [claims.amr, claims.mfa_roles].every(list => list === undefined || isTexts(list))
  )
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
