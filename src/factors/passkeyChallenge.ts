import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { deriveKeys } from '../tokens/secret.ts'

/** What a challenge is for: the types of WebAuthn's client data. */
export type Ceremony = 'webauthn.create' | 'webauthn.get'

/** A challenge as a client gets it. */
export interface PasskeyChallenge {
  /** The client sends it back with its answer. */
  readonly id: string
  /** 32 bytes, for the authenticator to sign. */
  readonly challenge: Uint8Array<ArrayBuffer>
}

/** A challenge that a client has sent the id of. */
export interface AnsweredChallenge {
  readonly id: string
  /** After which it counts nowhere. */
  readonly expiresAt: Date
  /** Whether the client data has this challenge, in base64url. False for every text where the id is garbage or expired. */
  is(challenge: string): boolean
}

export interface PasskeyChallenges {
  /**
   * A new challenge.
   *
   * @param bound what its answer counts for, for example `session <id>`; for nothing else
   * @param now seconds of database time
   */
  make(ceremony: Ceremony, bound: string, now: number): PasskeyChallenge
  /** The challenge of an id that a client has sent, whatever it is. Needs no query. */
  open(id: string, ceremony: Ceremony, bound: string, now: number): AnsweredChallenge
}

/** As long as the challenge of a login (sessions/factorChallenge.ts). */
export const challengeSeconds = 300
const nonceBytes = 16
const idBytes = nonceBytes + 4

/**
 * Challenges of WebAuthn, derived and not stored: id = base64url( nonce | expiry ), and the challenge is a MAC over the
 * ceremony, the binding and the id. So whoever asks for challenges writes nothing to the database, and an id that was
 * made up leads to a challenge that nobody can know. Only the id of an answer that was accepted is kept, until its expiry
 * (factors/spentChallenges.ts).
 *
 * @param previous a secret whose challenges are accepted, too (ANNUL_SECRET_PREVIOUS)
 */
export function passkeyChallenges(secret: Uint8Array, previous?: Uint8Array): PasskeyChallenges {
  const keys = deriveKeys(secret, previous, 'passkey challenges v1')
  // As JSON, so that no two lists are one text.
  const mac = (key: Buffer, ...of: readonly string[]) =>
    createHmac('sha256', key).update(JSON.stringify(of)).digest()

  return {
    make(ceremony, bound, now) {
      const bytes = Buffer.concat([randomBytes(nonceBytes), Buffer.alloc(4)])
      bytes.writeUInt32BE(Math.floor(now) + challengeSeconds, nonceBytes)
      const id = bytes.toString('base64url')
      return { id, challenge: Uint8Array.from(mac(keys[0], ceremony, bound, id)) }
    },

    open(id, ceremony, bound, now) {
      // The MAC is over the text: an id that is spelled otherwise is the id of another challenge.
      const bytes = Buffer.from(id, 'base64url')
      const expiry = bytes.length === idBytes ? bytes.readUInt32BE(nonceBytes) : 0
      const isRight = (challenge: string) =>
        keys.some(key => {
          const own = Buffer.from(mac(key, ceremony, bound, id).toString('base64url'))
          const sent = Buffer.from(challenge)
          return own.length === sent.length && timingSafeEqual(own, sent)
        })
      return {
        id,
        expiresAt: new Date(expiry * 1000),
        is: challenge => expiry > now && isRight(challenge),
      }
    },
  }
}
