import type { Clock } from '../../../src/revocation/clock.ts'
import { Random } from './random.ts'

// Jest finds a global slowly.
const { abs, max } = Math
const { nextTick } = process
const RealPromise = Promise

interface Event {
  readonly at: number
  readonly order: number
  readonly process: Process | undefined
  readonly isTimer: boolean
  run: (() => void) | undefined
}

/**
 * True time, and what happens in it. Nothing waits for real: an event runs, then all promises that it settled, then
 * the next event.
 */
export class World {
  readonly random: Random
  /** True milliseconds, which no process can see. */
  now = 0
  /** Counts what happens, so that even things at one moment have an order. */
  order = 0
  /** Nothing is slow any more. */
  isCalm = false
  /** Called when a process has done something. */
  afterStep: (process: Process) => void = () => {}
  readonly #events: Event[] = []
  /** Below every other order. */
  #held = -1e9

  constructor(seed: number) {
    this.random = new Random(seed)
  }

  /** Mostly short, now and then not. */
  duration(low: number, high: number, slow: number): number {
    if (!this.isCalm && this.random.chance(0.05)) return this.random.between(high, slow)
    return this.random.between(low, high)
  }

  /** @returns a function that calls it off */
  at(at: number, run: () => void, process?: Process, isTimer = false): () => void {
    this.order++
    return this.#plan({ at: max(at, this.now), order: this.order, process, isTimer, run })
  }

  /** Before whatever else is to happen at this moment: it has waited for its process to go on. */
  atOnce(run: () => void, process: Process, isTimer: boolean): void {
    this.#plan({ at: this.now, order: this.#held++, process, isTimer, run })
  }

  #plan(event: Event): () => void {
    push(this.#events, event)
    return () => {
      event.run = undefined
    }
  }

  async runUntil(end: number): Promise<void> {
    for (let event = this.#events[0]; event !== undefined && event.at <= end; event = this.#events[0]) {
      pop(this.#events)
      if (event.run === undefined) continue
      this.now = event.at
      const { process } = event
      if (process === undefined) event.run()
      else if (process.isPaused) process.held.push(event)
      else if (process.isAlive) {
        event.run()
        await settled()
        this.order++
        this.afterStep(process)
      }
    }
    this.now = end
  }
}

/** One process: it can be stopped, its machine suspended, and it can die. Its clocks are its own. */
export class Process implements Clock {
  readonly name: string
  readonly world: World
  isAlive = true
  isPaused = false
  /** Whether its monotonic clock ever stood still. */
  hasSlept = false
  /** What arrived while it was paused. */
  held: Event[] = []
  #wasPutBack = false
  readonly #rate: number
  #wallOffset: number
  #monotonicLost = 0
  #suspendedAt: number | undefined

  constructor(world: World, name: string) {
    this.world = world
    this.name = name
    // Any two differ by less than 5 %, and often by nearly as much.
    const [slowest, fastest] = [0.977, 1.023]
    const isSteady = world.random.chance(0.5)
    const drawn = world.random.between(slowest, fastest)
    this.#rate = isSteady ? drawn : drawn < 1 ? slowest : fastest
    this.#wallOffset = world.random.between(-1e7, 1e7)
  }

  monotonic(): number {
    return ((this.#suspendedAt ?? this.world.now) - this.#monotonicLost) * this.#rate
  }

  wall(): number {
    return this.world.now * this.#rate + this.#wallOffset
  }

  after(milliseconds: number, call: () => void): () => void {
    // Never early, always a little late: as real timers are.
    return this.world.at(this.world.now + max(0, milliseconds) / this.#rate + 0.01, call, this, true)
  }

  /**
   * A sleep that a wall clock hides which is put back stops both clocks, and the promise leaves this out: a process meets
   * one of the two.
   */
  stepWallClock(milliseconds: number): void {
    const step = this.hasSlept ? abs(milliseconds) : milliseconds
    if (step < 0) this.#wasPutBack = true
    this.#wallOffset += step
  }

  /** @param suspended the machine sleeps, and the monotonic clock with it */
  pause(suspended: boolean): void {
    this.isPaused = true
    if (!suspended || this.#wasPutBack) return
    this.hasSlept = true
    this.#suspendedAt ??= this.world.now
  }

  /** What was held comes at once: timers before messages or after them. */
  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    if (this.#suspendedAt !== undefined) this.#monotonicLost += this.world.now - this.#suspendedAt
    this.#suspendedAt = undefined
    const held = this.held.splice(0)
    const timersFirst = this.world.random.chance(0.5)
    for (const timers of [timersFirst, !timersFirst])
      for (const event of held)
        if (event.isTimer === timers) this.world.atOnce(() => event.run?.(), this, timers)
  }

  kill(): void {
    this.isAlive = false
    this.held = []
  }
}

/** When everything that promises had to do is done: Node runs it all before the next tick. */
function settled(): Promise<void> {
  return new RealPromise(nextTick)
}

/* A binary heap, earliest first. */

const isBefore = (one: Event, other: Event) =>
  one.at < other.at || (one.at === other.at && one.order < other.order)

function push(heap: Event[], event: Event): void {
  let index = heap.length
  while (index > 0) {
    const above = (index - 1) >> 1
    const parent = heap[above]
    if (parent === undefined || isBefore(parent, event)) break
    heap[index] = parent
    index = above
  }
  heap[index] = event
}

function pop(heap: Event[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  while (true) {
    let child = 2 * index + 1
    const left = heap[child]
    const right = heap[child + 1]
    if (left === undefined) break
    let least = left
    if (right !== undefined && isBefore(right, left)) {
      least = right
      child++
    }
    if (isBefore(last, least)) break
    heap[index] = least
    index = child
  }
  heap[index] = last
}
