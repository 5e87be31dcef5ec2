import { type KeyObject, randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { type Reason, unavailable } from '../errors.ts'
import type { AcceptedAlgorithm } from './acceptOptions.ts'
import type { AccessClaims, VerifiedClaims } from './accessClaims.ts'
import { readHeader } from './compactToken.ts'
import type { PublicKey, SigningKeys } from './signingKeys.ts'
import { VerifiedTokens } from './verifiedTokens.ts'

/** The claims that the caller read from one row version; `sign` adds the others. */
export type AccessGrant = Omit<AccessClaims, 'iss' | 'aud' | 'client_id' | 'jti'>

/** @internal */
export interface AccessTokens {
  /**
   * @param own an app's claims, by other names than Annul's (ownClaims.ts)
   * @throws AuthError UNAVAILABLE when the versions were read more than 30 s ago
   * @throws Error for a token so long that `verify` would refuse it
   */
  sign(grant: AccessGrant, own?: Readonly<Record<string, unknown>>): string
  /** The claims of an authentic token that has not expired, or why it is refused. Versions are not looked at here. */
  verify(token: string): VerifiedClaims | Reason
  /** Whether `verify` might answer otherwise once the keys were read again. */
  hasUnknownKey(token: string): boolean
}

/** The id of the key that signed a token, by the token's verified claims. */
const keyIds = new WeakMap<object, string>()

/** The id of the key that signed a token; undefined for claims that `verify` did not return. */
export function keyIdOf(claims: object): string | undefined {
  return keyIds.get(claims)
}

/**
 * Longer tokens are refused unread. Enough for 2,000 characters of roles and scopes (admin/setUserAccess.ts) and 1,000
 * of an app's claims, which are 4,000 in base64, beside Annul's own claims.
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

/**
 * Signs and verifies ES256 access tokens (RFC 9068). jsonwebtoken checks the signature; everything that it lets pass
 * (unknown `crit`, embedded keys, missing `exp`, future `iat`, text as payload, any `typ`, other spellings of the same
 * bytes) is refused here.
 *
 * @internal
 * @param options.now database time in seconds
 */
export function accessTokens(options: {
  keys: SigningKeys
  issuer: string
  audience: string
  now: () => number
}): AccessTokens {
  const { keys, issuer, audience, now } = options
  const verified = new VerifiedTokens<Claims>(rememberedTokens)

  /** Everything about a token that does not change with time. */
  const authenticate = (token: string): Claims | undefined => {
    const key = findKey(token, keys)
    const payload = key && checkSignature(token, key.publicKey, 'ES256')
    if (key === undefined || !isAccessClaims(payload) || payload.iss !== issuer || payload.aud !== audience)
      return undefined
    // The claims are shared by all requests with this token, and by an app's resolvers: nobody may change them.
    deepFreeze(payload)
    verified.set(token, payload)
    keyIds.set(payload, key.kid)
    return payload
  }

  return {
    sign(grant, own) {
      if (now() - grant.iat > signWithinSeconds) throw unavailable()
      const { kid, privateKey } = keys.current()
      const claims: AccessClaims = {
        ...own,
        iss: issuer,
        aud: audience,
        client_id: audience,
        jti: randomUUID(),
        ...grant,
      }
      const token = jwt.sign(claims, privateKey, {
        algorithm: 'ES256',
        keyid: kid,
        header: { alg: 'ES256', typ: 'at+jwt' },
      })
      if (token.length > maxBytes)
        throw new Error(`An access token would be ${token.length} bytes long, and ${maxBytes} are allowed.`)
      return token
    },

    verify(token) {
      const claims = verified.get(token, keys.version) ?? authenticate(token)
      if (claims === undefined) return 'TOKEN_INVALID'
      const time = now()
      if (claims.iat > time + leewaySeconds || (claims.nbf ?? 0) > time + leewaySeconds)
        return 'TOKEN_INVALID'
      if (claims.exp > time) return claims
      verified.delete(token)
      return 'TOKEN_EXPIRED'
    },

    hasUnknownKey(token) {
      const kid = readKeyId(token)
      return kid !== undefined && keys.find(kid) === undefined
    },
  }
}

function findKey(token: string, keys: SigningKeys): PublicKey | undefined {
  const kid = readKeyId(token)
  return kid === undefined ? undefined : keys.find(kid)
}

/**
 * The key is chosen by a known id alone. A header that brings its own key (`jwk`, `jku`, `x5c`, `x5u`), asks for an
 * extension (`crit`) or names another algorithm is refused: exactly three members are allowed.
 */
function readKeyId(token: string): string | undefined {
  const header = readHeader(token, maxBytes)
  if (header === undefined || Object.keys(header).sort().join() !== 'alg,kid,typ') return undefined
  if (header.alg !== 'ES256' || header.typ !== 'at+jwt' || typeof header.kid !== 'string') return undefined
  return header.kid
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
    Array.isArray(claims.roles) &&
    claims.roles.every(role => typeof role === 'string')
  )
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** What JSON.parse has made has no circles. */
function deepFreeze(value: object): void {
  Object.freeze(value)
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
}
