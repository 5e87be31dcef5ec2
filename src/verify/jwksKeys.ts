import type { JsonWebKey } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { unavailable } from '../errors.ts'
import type { KeySet, PublicKey } from '../tokens/keySet.ts'
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
 * nothing is verified. Whether a key was revoked is not told here.
 */
export class JwksKeys implements KeySet {
  readonly #url: URL
  #keys = new Map<string, PublicKey>()
  #version = 0
  #usableUntil = Number.NEGATIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  /** The reading that has not begun. */
  #next: Promise<void> | undefined

  /** @throws TypeError for a URL that is not `https:`; `http:` is allowed on this machine */
  constructor(url: string | URL) {
    this.#url = new URL(url)
    const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(this.#url.hostname)
    if (this.#url.protocol !== 'https:' && !(this.#url.protocol === 'http:' && isHere))
      throw new TypeError('"keys" must be an https: URL: whoever can change the keys can sign tokens.')
  }

  find(kid: string): PublicKey | undefined {
    return this.#keys.get(kid)
  }

  isRevoked(): boolean {
    return false
  }

  get version(): number {
    return this.#version
  }

  /** Reads the keys where they are too old. @throws AuthError UNAVAILABLE */
  async refresh(): Promise<void> {
    if (performance.now() >= this.#usableUntil) await this.#read()
  }

  /**
   * Reads the keys because a token names an unknown one. Waits for its turn, and joins no reading that has begun before:
   * a key that follows a revoked one signs at once, and nobody is to be told that its tokens are forged.
   *
   * @throws AuthError UNAVAILABLE
   */
  refreshForUnknown(): Promise<void> {
    this.#next ??= this.#readNext()
    return this.#next
  }

  async #readNext(): Promise<void> {
    await delay(this.#askedAt + unknownEveryMs - performance.now())
    await this.#reading?.catch(() => {})
    this.#next = undefined
    await this.#read()
  }

  #read(): Promise<void> {
    this.#reading ??= this.#fetch().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #fetch(): Promise<void> {
    const asked = performance.now()
    this.#askedAt = asked
    try {
      const response = await fetch(this.#url, { redirect: 'error', signal: AbortSignal.timeout(patienceMs) })
      const text = await response.text()
      if (!response.ok || text.length > mostBytes) throw new Error('These are no keys.')
      const { keys } = JSON.parse(text) as { keys: JsonWebKey[] }
      const read = keys.map(readKey).filter(key => key !== undefined)
      this.#keys = new Map(read.map(key => [key.kid, key]))
      this.#version++
      this.#usableUntil = asked + ageOf(response.headers.get('cache-control') ?? '')
    } catch {
      throw unavailable()
    }
  }
}

function ageOf(cacheControl: string): number {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(cacheControl)?.[1]
  return seconds === undefined ? usualAgeMs : Math.min(longestAgeMs, Number(seconds) * 1000)
}
