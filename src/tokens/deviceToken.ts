import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { deriveKeys } from './secret.ts'

/** A browser or an app, as its device token names it. */
export interface Device {
  /** 128 random bits in base64url. */
  readonly id: string
  /** One proof for each account that has signed in on the device, the latest first. */
  readonly proofs: readonly string[]
}

export interface DeviceTokens {
  /** A device that has not been seen before. */
  create(): Device
  /** The device of a token; undefined for a token that Annul did not issue. */
  read(token: string): Device | undefined
  write(device: Device): string
  /** Whether the account has signed in on the device. @param account its e-mail, folded (input/email.ts) */
  knows(device: Device, account: string): boolean
  /** As `knows`, by a proof of the present secret: one of the previous secret is to be replaced. */
  knowsLastingly(device: Device, account: string): boolean
  /** The device after the account has signed in on it. */
  remember(device: Device, account: string): Device
}

const prefix = 'annul_d_'
const bytes = 16
const shape = /^annul_d_([\w-]{22})\.([\w-]{22})((?:\.[\w-]{22}){0,8})$/
const maxProofs = 8

/**
 * Device tokens (OWASP's device cookies): token = prefix + id . MAC of the id [. proof]…, where a proof is the MAC of
 * the id and an account. Nothing is stored, and a token tells neither which accounts nor how many there are: the proofs
 * of others' accounts look like any random text. A device token signs nobody in. It keeps an owner's attempts apart from
 * an attacker's (limits/), and ties a code to the browser that has asked for it.
 *
 * @param previous a secret whose tokens and proofs are accepted, too (ANNUL_SECRET_PREVIOUS)
 */
export function deviceTokens(secret: Uint8Array, previous?: Uint8Array): DeviceTokens {
  const keys = deriveKeys(secret, previous, 'device tokens v1')
  const mac = (key: Buffer, text: string) =>
    createHmac('sha256', key).update(text).digest().subarray(0, bytes).toString('base64url')
  const proofsOf = (id: string, account: string) => keys.map(key => mac(key, `${id} ${account}`))
  const has = (proofs: readonly string[], wanted: readonly string[]) =>
    wanted.some(proof => proofs.some(other => equal(proof, other)))

  return {
    create: () => ({ id: randomBytes(bytes).toString('base64url'), proofs: [] }),

    read(token) {
      const [, id, signature, proofs = ''] = shape.exec(token) ?? []
      if (id === undefined || signature === undefined) return undefined
      if (!keys.some(key => equal(mac(key, id), signature))) return undefined
      return { id, proofs: proofs.split('.').slice(1) }
    },

    write: ({ id, proofs }) => prefix + [id, mac(keys[0], id), ...proofs].join('.'),

    knows: ({ id, proofs }, account) => has(proofs, proofsOf(id, account)),
    knowsLastingly: ({ id, proofs }, account) => has(proofs, proofsOf(id, account).slice(0, 1)),

    remember({ id, proofs }, account) {
      const own = proofsOf(id, account)
      const others = proofs.filter(proof => !own.includes(proof))
      return { id, proofs: [...own.slice(0, 1), ...others].slice(0, maxProofs) }
    },
  }
}

function equal(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other))
}
