import type { Clock } from '../../src/revocation/clock.ts'

/** A clock that a test moves: what is due is called in its order, at its time. */
export class TestClock implements Clock {
  now = 1000
  #wallOffset = 1_700_000_000_000
  #timers: { readonly at: number; readonly call: () => void }[] = []

  monotonic(): number {
    return this.now
  }

  wall(): number {
    return this.now + this.#wallOffset
  }

  after(milliseconds: number, call: () => void): () => void {
    const timer = { at: this.now + Math.max(0, milliseconds), call }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(each => each !== timer)
    }
  }

  stepWallClock(milliseconds: number): void {
    this.#wallOffset += milliseconds
  }

  /** What promises had to do is done as well. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds
    await settled()
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)
      if (next === undefined) break
      this.#timers = this.#timers.filter(each => each !== next)
      this.now = next.at
      next.call()
      await settled()
    }
    this.now = end
  }
}

export function settled(): Promise<void> {
  return new Promise(resolve => process.nextTick(resolve))
}
