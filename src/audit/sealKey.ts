import { createHash, createHmac } from 'node:crypto'
import { deriveKey } from '../tokens/secret.ts'
import type { SealedRow } from './sealedRows.ts'

/**
 * A seal, as `audit_seals.mac` holds it: key id (8) | MAC of the hour's events (32) | MAC of the chain (32). The chain
 * covers the seal before and the MAC of the events, so it can be checked after the events were purged.
 */
export interface Seal {
  readonly keyId: Buffer
  readonly events: Buffer
  readonly chain: Buffer
}

export interface SealKey {
  /** Tells seals of another ANNUL_SECRET from forged ones. */
  readonly id: Buffer
  /** Takes the events of an hour in their order, and returns their MAC. */
  openHour(hour: Date): { add(row: SealedRow): void; mac(): Buffer }
  /** @param former the bytes of the seal before; undefined: there is none */
  chain(former: Uint8Array | undefined, hour: Date, count: number, eventsMac: Uint8Array): Buffer
}

const idBytes = 8
const macBytes = 32

/** @param secret ANNUL_SECRET: without it nobody can make a seal that holds */
export function sealKey(secret: Uint8Array): SealKey {
  const key = deriveKey(secret, 'audit seals v1')
  const begin = (what: 'events' | 'chain', hour: Date) =>
    createHmac('sha256', key).update(`${JSON.stringify(['annul audit seal v1', what, hour.toISOString()])}\n`)
  return {
    id: createHash('sha256').update(key).digest().subarray(0, idBytes),

    openHour(hour) {
      const hmac = begin('events', hour)
      return {
        // A line of JSON: no two rows have the same text, and no text is a part of another row's.
        add: row => void hmac.update(`${JSON.stringify(row)}\n`),
        mac: () => hmac.digest(),
      }
    },

    chain(former, hour, count, eventsMac) {
      const parts = [
        former && Buffer.from(former).toString('hex'),
        count,
        Buffer.from(eventsMac).toString('hex'),
      ]
      return begin('chain', hour).update(JSON.stringify(parts)).digest()
    },
  }
}

export function sealBytes({ keyId, events, chain }: Seal): Buffer {
  return Buffer.concat([keyId, events, chain])
}

/** undefined: these bytes have not the length of a seal */
export function readSeal(bytes: Buffer): Seal | undefined {
  if (bytes.length !== idBytes + 2 * macBytes) return undefined
  return {
    keyId: bytes.subarray(0, idBytes),
    events: bytes.subarray(idBytes, idBytes + macBytes),
    chain: bytes.subarray(idBytes + macBytes),
  }
}
