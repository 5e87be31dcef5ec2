import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKeys } from './secret.ts'

/** The content of a refresh token whose MAC was found right. */
export interface RefreshClaims {
  readonly sessionId: string
  readonly generation: number
  /** The token is of the previous secret. Its generation counts like any other; the next token is of the present one. */
  readonly previous?: true
}

export interface RefreshTokens {
  /** The token of a session's generation: always the same one, so that none is stored and a replay can be answered. */
  derive(claims: Omit<RefreshClaims, 'previous'>): string
  /** The claims, or why the token is not authentic. Needs no query, so garbage costs none. */
  read(token: string): RefreshClaims | RefreshTokenFault
}

/** None of these faults is theft: without the secret nobody can make an authentic token. */
export type RefreshTokenFault = 'malformed' | 'foreign' | 'forged'

const prefix = 'annul_rt_'
const keyIdBytes = 4
const bodyBytes = keyIdBytes + 16 + 4
const macBytes = 32
/** 56 bytes in base64url. */
const textLength = Math.ceil(((bodyBytes + macBytes) * 4) / 3)

/**
 * Refresh token = prefix + base64url( key id | session id | generation | HMAC-SHA-256 ).
 *
 * The key id tells tokens of two secrets apart. While the secret changes, nodes may derive one generation under either:
 * these are two texts of one token, and each node accepts both. What is replayed or reused is judged by the generation.
 *
 * @param previous a secret whose tokens are accepted, too (ANNUL_SECRET_PREVIOUS)
 * @example
 * const tokens = refreshTokens(secret)
 * tokens.read(tokens.derive({ sessionId, generation: 1 })) // { sessionId, generation: 1 }
 */
export function refreshTokens(secret: Uint8Array, previous?: Uint8Array): RefreshTokens {
  const [own, other] = deriveKeys(secret, previous, 'refresh tokens v1').map(key => ({
    id: createHash('sha256').update(key).digest().subarray(0, keyIdBytes),
    mac: (body: Uint8Array) => createHmac('sha256', key).update(body).digest(),
  })) as [MacKey, MacKey?]

  return {
    derive({ sessionId, generation }) {
      const body = Buffer.alloc(bodyBytes)
      own.id.copy(body, 0)
      body.write(sessionId.replaceAll('-', ''), keyIdBytes, 'hex')
      body.writeUInt32BE(generation, bodyBytes - 4)
      return prefix + Buffer.concat([body, own.mac(body)]).toString('base64url')
    },

    read(token) {
      const text = token.slice(prefix.length)
      if (!token.startsWith(prefix) || text.length !== textLength) return 'malformed'
      const bytes = Buffer.from(text, 'base64url')
      // Only the canonical spelling: otherwise a copy could look like another token where texts are compared.
      if (bytes.toString('base64url') !== text) return 'malformed'
      const body = bytes.subarray(0, bodyBytes)
      const key = [own, other].find(each => each?.id.equals(body.subarray(0, keyIdBytes)))
      if (key === undefined) return 'foreign'
      if (!timingSafeEqual(key.mac(body), bytes.subarray(bodyBytes))) return 'forged'
      const hex = body.toString('hex', keyIdBytes, keyIdBytes + 16)
      return {
        sessionId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
        generation: body.readUInt32BE(bodyBytes - 4),
        ...(key === other && { previous: true }),
      }
    },
  }
}

interface MacKey {
  readonly id: Buffer
  readonly mac: (body: Uint8Array) => Buffer
}
