import type { JsonWebKey } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeySet, PublicKey } from '../tokens/keySet.ts'
import { NoAnswer } from './noAnswer.ts'
import { readKey } from './readKey.ts'

/** How long keys are used when the answer does not say, and the longest that an answer may say. In milliseconds. */
const usualAgeMs = 30_000
const longestAgeMs = 3_600_000
/** How often keys may be asked for because of an unknown one, in milliseconds. */
const unknownEveryMs = 1000
const patienceMs = 1000
const mostBytes = 262_144

/**
 * The keys at a JWKS URL (RFC 7517), kept as long as the answer allows. When they are too old and can't be read again,
 * nothing is verified. Which of them were revoked is told by others.
 */
export class JwksKeys implements KeySet {
  readonly #url: URL
  #keys = new Map<string, PublicKey>()
  readonly #revoked = new Set<string>()
  #read = 0
  #renewAt = Number.NEGATIVE_INFINITY
  #usableUntil = Number.NEGATIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #readingForUnknown: Promise<void> | undefined

  constructor(url: URL) {
    this.#url = url
  }

  find(kid: string): PublicKey | undefined {
    return this.#keys.get(kid)
  }

  isRevoked(kid: string): boolean {
    return this.#revoked.has(kid)
  }

  /** For ever. To be called for ids that the auth nodes have told: what clients make up would fill the memory. */
  noteRevoked(kid: string): void {
    this.#revoked.add(kid)
  }

  /** Both numbers only rise. */
  get version(): number {
    return this.#read + this.#revoked.size
  }

  /** Reads the keys where they are too old. @throws NoAnswer */
  async refresh(): Promise<void> {
    if (performance.now() >= this.#usableUntil) await this.#readOnce()
  }

  /** Reads the keys where they will soon be too old, so that no request waits for them. @throws NoAnswer */
  async renew(): Promise<void> {
    if (performance.now() >= this.#renewAt) await this.#readOnce()
  }

  /**
   * Reads the keys because a token names an unknown one. Once a second at most, so that invented ids cost the auth nodes
   * nothing: the others wait for the same reading.
   *
   * @throws NoAnswer
   */
  refreshForUnknown(): Promise<void> {
    this.#readingForUnknown ??= this.#readLater()
    return this.#readingForUnknown
  }

  async #readLater(): Promise<void> {
    const waitMs = this.#askedAt + unknownEveryMs - performance.now()
    if (waitMs > 0) await delay(waitMs)
    // A reading that is on its way may have been answered before the key was made.
    await this.#reading?.catch(() => {})
    // For the same reason, who comes from here on waits for another one.
    this.#readingForUnknown = undefined
    await this.#readOnce()
  }

  #readOnce(): Promise<void> {
    this.#reading ??= this.#fetch().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #fetch(): Promise<void> {
    const asked = performance.now()
    this.#askedAt = asked
    const { keys, ageMs } = await this.#ask().catch(error => {
      if (error instanceof NoAnswer) throw error
      throw new NoAnswer(`The keys can not be read: ${this.#url.href} does not answer.`, { cause: error })
    })
    this.#keys = new Map(keys.map(key => [key.kid, key]))
    this.#read++
    this.#renewAt = asked + ageMs / 2
    this.#usableUntil = asked + ageMs
  }

  async #ask(): Promise<{ keys: PublicKey[]; ageMs: number }> {
    const response = await fetch(this.#url, { redirect: 'error', signal: AbortSignal.timeout(patienceMs) })
    const text = await response.text()
    if (!response.ok)
      throw new NoAnswer(`The keys can not be read: ${this.#url.href} answers with ${response.status}.`)
    const keys = text.length > mostBytes ? undefined : keysIn(text)
    if (keys === undefined) throw new NoAnswer(`${this.#url.href} is no JWKS.`)
    return { keys, ageMs: ageOf(response.headers.get('cache-control') ?? '') }
  }
}

/** What is no key for tokens is left out. */
function keysIn(text: string): PublicKey[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { keys: JsonWebKey[] }
    return keys.map(readKey).filter(key => key !== undefined)
  } catch {
    return undefined
  }
}

function ageOf(cacheControl: string): number {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(cacheControl)?.[1]
  return seconds === undefined ? usualAgeMs : Math.min(longestAgeMs, Number(seconds) * 1000)
}
