// Jest finds a global slowly, and these are asked for a hundred million times.
const { floor, imul } = Math

/** Reproducible chance (mulberry32): one seed, one sequence. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  below(count: number): number {
    return floor(this.next() * count)
  }

  of<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)]
  }
}
