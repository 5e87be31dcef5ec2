import type { MirrorBatch, MirrorConnection, MirrorGrant } from '../../src/revocation/mirrorPort.ts'
import type { TestClock } from '../support/testClock.ts'

/** A connection to a Redis that keeps what it was sent, and answers when a test lets it. */
export class HeldRedis implements MirrorConnection {
  readonly batches: MirrorBatch[] = []
  readonly grants: MirrorGrant[] = []
  isOpen = true
  /** Whether answers wait for `answer`. */
  holds = false
  /** Redis's clock minus that of the test. */
  offset = 0
  /** Whether Redis still has what was written. */
  has = true
  /** What the next calls fail with. */
  error: Error | undefined
  /** Another node's end of `fresh`, by Redis's clock. */
  others: number | undefined
  timesAsked = 0
  endsAsked = 0
  readonly #clock: TestClock
  #waiting: (() => void)[] = []

  constructor(clock: TestClock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.wall() + this.offset
  }

  time(): Promise<number> {
    this.timesAsked++
    return this.#run(() => this.now())
  }

  write(batch: MirrorBatch): Promise<boolean> {
    this.batches.push(batch)
    return this.#run(() => this.has)
  }

  grant(grant: MirrorGrant): Promise<boolean> {
    this.grants.push(grant)
    return this.#run(() => this.has)
  }

  freshUntil(): Promise<number | undefined> {
    this.endsAsked++
    return this.#run(() => {
      const ends = [this.others ?? 0, ...this.grants.map(({ until }) => until)].filter(
        end => end > this.now(),
      )
      return ends.length === 0 ? undefined : Math.max(...ends)
    })
  }

  close(): void {
    this.isOpen = false
  }

  /** Answers what was asked first of what waits. */
  answer(): void {
    this.#waiting.shift()?.()
  }

  /** Answers what was asked last of what waits. */
  answerLast(): void {
    this.#waiting.pop()?.()
  }

  #run<T>(carryOut: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const answer = () => (this.error === undefined ? resolve(carryOut()) : reject(this.error))
      if (this.holds) this.#waiting.push(answer)
      else answer()
    })
  }
}
