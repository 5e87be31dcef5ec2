/**
 * What one who asks may still ask for: a number of things at once, which time gives back at a steady rate. The times are
 * of one monotonic clock, in milliseconds.
 */
export class Allowance {
  readonly #most: number
  readonly #perMs: number
  #left: number
  #at: number

  /**
   * @param most how much time gives back at the most
   * @param perMs how much a millisecond gives back
   */
  constructor(most: number, perMs: number, now: number) {
    this.#most = most
    this.#perMs = perMs
    this.#left = most
    this.#at = now
  }

  /** @returns whether one more is allowed */
  take(now: number): boolean {
    const givenBack = Math.max(0, now - this.#at) * this.#perMs
    this.#left = Math.max(this.#left, Math.min(this.#most, this.#left + givenBack))
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  /** Allows one more, beside what time gives back. @param upTo no more than this is kept */
  add(upTo: number): void {
    this.#left = Math.max(this.#left, Math.min(upTo, this.#left + 1))
  }
}
