import { randomBytes } from 'node:crypto'
import { NodeCryptoPlugin } from '@otplib/plugin-crypto-node'
import { verifySync } from '@otplib/totp'
import { generateTOTP } from '@otplib/uri'
import { seal, unseal } from '../tokens/seal.ts'
import { deriveKeys } from '../tokens/secret.ts'

/** Authenticator apps (RFC 6238): SHA-1, six digits, steps of 30 seconds, which every app knows. */
export interface Totp {
  /**
   * A new secret of 160 bits.
   *
   * @param factorId its row, the only one that the sealed secret works in
   * @param account what the app shows beside the site's name
   */
  create(factorId: string, account: string): { sealed: Uint8Array; secret: string; uri: string }
  /**
   * The time step that a code belongs to: that of `now`, the one before or the one after. Undefined: the code is wrong, or
   * of a step that was used already.
   *
   * @param factor.lastStep the step of the last code that was used; null: none was
   * @param now seconds of database time
   * @throws Error where neither ANNUL_SECRET nor ANNUL_SECRET_PREVIOUS opens the secret
   */
  stepOf(factor: SealedTotp, code: string, now: number): number | undefined
  /** The secret, sealed under the present ANNUL_SECRET; undefined: it is so already, or can't be opened. */
  renew(factor: Pick<SealedTotp, 'id' | 'sealed'>): Uint8Array | undefined
}

export interface SealedTotp {
  readonly id: string
  readonly sealed: Uint8Array
  readonly lastStep: number | null
}

const secretBytes = 20
/** One step each way: for clocks that differ, and for the time that typing takes. */
const toleranceSeconds = 30
const stepSeconds = 30

/**
 * @param secret ANNUL_SECRET, under which the secrets of apps are encrypted
 * @param previous ANNUL_SECRET_PREVIOUS
 * @param siteName what the app shows
 */
export function openTotp(secret: Uint8Array, previous: Uint8Array | undefined, siteName: string): Totp {
  const [key, formerKey] = deriveKeys(secret, previous, 'secrets of authenticator apps v1')
  const crypto = new NodeCryptoPlugin()
  const open = ({ id, sealed }: Pick<SealedTotp, 'id' | 'sealed'>) =>
    unseal(sealed, key, id) ?? (formerKey && unseal(sealed, formerKey, id))

  return {
    create(factorId, account) {
      const bytes = randomBytes(secretBytes)
      const secret = base32(bytes)
      const uri = generateTOTP({ issuer: withoutColon(siteName), label: withoutColon(account), secret })
      return { sealed: seal(bytes, key, factorId), secret, uri }
    },

    stepOf(factor, code, now) {
      const token = code.replaceAll(' ', '')
      if (!/^\d{6}$/.test(token)) return undefined
      const opened = open(factor)
      if (opened === undefined)
        throw new Error('ANNUL_SECRET is not the secret that an authenticator app was enrolled under.')
      const { lastStep } = factor
      // The database's clock was set back: the app's codes count again when the clock has caught up.
      if (lastStep !== null && lastStep > now / stepSeconds + 1) return undefined
      const result = verifySync({
        crypto,
        secret: Uint8Array.from(opened),
        token,
        epoch: Math.floor(now),
        epochTolerance: toleranceSeconds,
        ...(lastStep !== null && { afterTimeStep: lastStep }),
      })
      return result.valid && 'timeStep' in result ? result.timeStep : undefined
    },

    renew({ id, sealed }) {
      const former = formerKey && unseal(sealed, formerKey, id)
      return former && seal(former, key, id)
    },
  }
}

/** Apps split the label at its first colon, into the site and the account. */
function withoutColon(text: string): string {
  return text.replace(/\s*:\s*/g, ' ')
}

/** Base32 of RFC 4648, for a length that needs no padding. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('')
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return bits.replace(/.{5}/g, five => letters.charAt(Number.parseInt(five, 2)))
}
