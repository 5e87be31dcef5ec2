import type { JsonWebKey } from 'node:crypto'
import { storedReason } from '../errors.ts'
import type { Revocation } from './view.ts'

/*
 * The frames of the feed: one JSON object in each message of a WebSocket. A verifier opens the socket, and the node
 * answers. Frames arrive in the order in which they were sent: the proof in feed.ts leans on it.
 */

/** The subprotocol of the WebSocket. */
export const feedProtocol = 'annul-feed-1'

/** What a verifier sends. */
export type VerifierFrame =
  /** Attach me. The first frame, once. */
  | { readonly type: 'hello' }
  /** `k` counts the verifier's beats on this socket. Everything up to the position `applied` was applied. */
  | { readonly type: 'beat'; readonly k: number; readonly applied: number }
  /** I have stopped deciding by the answers of this socket. */
  | { readonly type: 'bye' }

/** What a node sends. */
export type NodeFrame =
  /** The keys that verify, and the issuer of the tokens: first, and whenever the keys change. */
  | { readonly type: 'keys'; readonly issuer: string; readonly keys: readonly JsonWebKey[] }
  /** `n` is the position in the node's stream. Pages of the first load have none. */
  | { readonly type: 'entries'; readonly entries: readonly Revocation[]; readonly n?: number }
  /** The first load is whole. */
  | { readonly type: 'loaded'; readonly n: number }
  /**
   * Answers the beat `k`. `age` is the age of the node's picture in milliseconds; without it the answer makes nobody
   * fresh. `time` is database time in milliseconds since 1970, and `lease` how long a picture may be used.
   */
  | {
      readonly type: 'beat'
      readonly k: number
      readonly age?: number | undefined
      readonly time?: number | undefined
      readonly lease: number
    }
  /** I am about to stop: attach elsewhere, stop deciding by my answers, and say bye. */
  | { readonly type: 'bye' }

export function writeFrame(frame: VerifierFrame | NodeFrame): string {
  return JSON.stringify(frame)
}

/** @returns undefined for a text that is no frame of a verifier */
export function readVerifierFrame(text: string): VerifierFrame | undefined {
  const frame = readObject(text)
  switch (frame?.type) {
    case 'hello':
    case 'bye':
      return { type: frame.type }
    case 'beat': {
      const { k, applied } = frame
      return isCount(k) && isCount(applied) ? { type: 'beat', k, applied } : undefined
    }
    default:
      return undefined
  }
}

/** @returns undefined for a text that is no frame of a node; 'unknown' for a frame of a later version */
export function readNodeFrame(text: string): NodeFrame | 'unknown' | undefined {
  const frame = readObject(text)
  switch (frame?.type) {
    case 'bye':
      return { type: 'bye' }
    case 'keys': {
      const { issuer, keys } = frame
      if (typeof issuer !== 'string' || !Array.isArray(keys)) return undefined
      return { type: 'keys', issuer, keys: keys.filter(isObject) }
    }
    case 'entries': {
      const { entries, n } = frame
      if (!Array.isArray(entries) || (n !== undefined && !isCount(n))) return undefined
      const read = entries.map(readEntry)
      // An entry that can't be read might be the one that revokes: nothing may be acknowledged after it.
      if (!read.every(entry => entry !== undefined)) return undefined
      return { type: 'entries', entries: read, ...(n !== undefined && { n }) }
    }
    case 'loaded':
      return isCount(frame.n) ? { type: 'loaded', n: frame.n } : undefined
    case 'beat': {
      const { k, age, time, lease } = frame
      if (!isCount(k) || !isDuration(lease)) return undefined
      if ((age !== undefined && !isDuration(age)) || (time !== undefined && !isDuration(time)))
        return undefined
      return { type: 'beat', k, age, time, lease }
    }
    default:
      return typeof frame?.type === 'string' ? 'unknown' : undefined
  }
}

const kinds: readonly string[] = ['session', 'user', 'everyone', 'key'] satisfies Revocation['kind'][]

function readEntry(entry: unknown): Revocation | undefined {
  if (!isObject(entry)) return undefined
  const { kind, subject, minVersion, reason, revokedAt } = entry
  const isKnown =
    typeof kind === 'string' &&
    kinds.includes(kind) &&
    (kind === 'everyone' || typeof subject === 'string') &&
    (kind === 'session' || kind === 'key' || isCount(minVersion)) &&
    typeof revokedAt === 'number'
  if (!isKnown) return undefined
  return {
    kind: kind as Revocation['kind'],
    subject: typeof subject === 'string' ? subject : undefined,
    minVersion: isCount(minVersion) ? minVersion : undefined,
    reason: storedReason(typeof reason === 'string' ? reason : null),
    revokedAt,
  }
}

function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isDuration(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) >= 0
}
