import type { Clock } from './clock.ts'

/** A position that somebody may still be fresh without. */
interface Pending<Peer> {
  readonly position: number
  /** When each can't be fresh any more by an answer that stood before the position, by the monotonic clock. */
  readonly waiting: Map<Peer, number>
  cancel: () => void
}

/** With so few left, the end of the wait is computed anew at each acknowledgement. */
const few = 8

/**
 * Knows which positions have passed: of each verifier that might have been fresh without it, either the verifier has
 * acknowledged the position, or the time is over for which its freshness could last (feed.ts).
 */
export class Passing<Peer> {
  readonly #clock: Clock
  /** In the order of positions. */
  #pending: Pending<Peer>[] = []
  #calls: { readonly position: number; readonly call: () => void }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param waiting who may be fresh without the position, and until when: noted in the step that queues it */
  wait(position: number, waiting: ReadonlyMap<Peer, number>): void {
    const pending = { position, waiting: new Map(waiting), cancel: () => {} }
    this.#pending.push(pending)
    this.#pending.sort((one, other) => one.position - other.position)
    this.#watch(pending)
  }

  /** Acknowledgements count for all positions up to theirs. */
  acknowledge(peer: Peer, position: number): void {
    this.#release(peer, position)
  }

  /** It decides by nothing that it was told. */
  release(peer: Peer): void {
    this.#release(peer, Number.POSITIVE_INFINITY)
  }

  waitingAt(position: number): readonly Peer[] {
    const pending = this.#pending.find(each => each.position === position)
    return pending === undefined ? [] : [...pending.waiting.keys()]
  }

  hasPassed(position: number): boolean {
    const [first] = this.#pending
    return first === undefined || first.position > position
  }

  whenPassed(position: number, call: () => void): void {
    if (this.hasPassed(position)) call()
    else this.#calls.push({ position, call })
  }

  /** @returns when each has been released, or its time is over */
  whenLapsed(waiting: ReadonlyMap<Peer, number>): Promise<void> {
    // Behind all positions: no acknowledgement reaches it.
    const position = Number.MAX_VALUE
    if (waiting.size > 0) this.wait(position, waiting)
    return new Promise(resolve => this.whenPassed(position, resolve))
  }

  #release(peer: Peer, position: number): void {
    for (const pending of this.#pending) {
      if (pending.position > position) break
      if (pending.waiting.delete(peer) && pending.waiting.size <= few) this.#watch(pending)
    }
    this.#conclude()
  }

  /** Looks again when the time of the last one is over. */
  #watch(pending: Pending<Peer>): void {
    pending.cancel()
    if (pending.waiting.size === 0) return
    const end = Math.max(...pending.waiting.values())
    pending.cancel = this.#clock.after(end - this.#clock.monotonic(), () => {
      const now = this.#clock.monotonic()
      for (const [peer, until] of pending.waiting) if (until <= now) pending.waiting.delete(peer)
      this.#watch(pending)
      this.#conclude()
    })
  }

  #conclude(): void {
    if (this.#pending.every(({ waiting }) => waiting.size > 0)) return
    this.#pending = this.#pending.filter(({ waiting }) => waiting.size > 0)
    const passed = this.#calls.filter(({ position }) => this.hasPassed(position))
    this.#calls = this.#calls.filter(({ position }) => !this.hasPassed(position))
    for (const { call } of passed) call()
  }
}
