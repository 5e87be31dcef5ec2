import { type Clock, clockRate } from './clock.ts'
import type { Feed, FeedConnection, FeedLink } from './feed.ts'
import { type NodeFrame, readNodeFrame, type VerifierFrame, writeFrame } from './feedFrames.ts'
import type { MirrorBatch, MirrorConnection } from './mirrorPort.ts'
import type { Revocation } from './view.ts'

/** What outlives a connection to Redis. */
export interface MirrorState {
  /** Names this process's position in Redis. */
  readonly node: string
  /** How many batches were sent. It never starts again, so that an older file of Redis has a lower one. */
  sent: number
  /** How many of them Redis has confirmed; -1: none. */
  confirmed: number
  /** The latest end that `fresh` was given, by Redis's clock. */
  grantedUntil: number
  /** Whether Redis's clock was put back, so that `fresh` may live too long. */
  distrusts: boolean
}

export interface MirrorLoadOptions {
  readonly feed: Pick<Feed, 'attach'>
  readonly connection: MirrorConnection
  readonly state: MirrorState
  readonly clock: Clock
  /** Called once everything is in Redis. */
  readonly onLoaded: () => void
  /** Called when the node is about to stop. */
  readonly onBye: () => void
  /** Called once. */
  readonly onEnd: (error?: unknown) => void
}

type Beat = Extract<NodeFrame, { type: 'beat' }>

/** How long Redis may take to tell its time, in milliseconds. Then the connection may lead nowhere. */
const patienceMs = 5000
/** Until the node has told its lease. */
const firstLeaseMs = 600
/** How far two readings of one clock may be apart, beyond the rate of clocks, in milliseconds: they are rounded. */
const roundingMs = 10
/** How far off the end of `fresh` may be read, with a wide margin, in milliseconds. */
const readingMs = 5

/**
 * Keeps Redis up to date by one connection, as a follower of this node's own feed (feed.ts): whoever reads Redis decides
 * by the node's picture. Everything is written first, and then what the node applies. Only Redis's answer acknowledges a
 * position.
 *
 * Why nobody who finds `fresh` lacks what the feed counts as known. The feed believes that an answer of age a, which joins
 * the queue at r by the node's monotonic clock, makes nobody fresh after `r - a + 1.05 x lease`.
 *  - The link stays within the process, so the answer arrives in the step r, in which the feed gave it. The script joins
 *    the queue in the same step, behind everything that the node had applied until then.
 *  - The script gives `fresh` an end: `T + lease - a` by Redis's clock, where T was read before r. So Redis's clock shows
 *    at most `lease - a` from r to the end of `fresh`, and the node's clock at most 1.05 times that: the end lies at
 *    `r + 1.05 x (lease - a)` at the latest, whenever the script is carried out.
 *  - The script gives nothing unless the node's position is the one that its latest batch has set, and a batch is written
 *    only on top of the batch before it. So everything that was sent before the script is in Redis.
 *
 * A reader asks for `fresh` and all that concerns its token in one step of Redis.
 */
export class MirrorLoad implements FeedLink {
  readonly #options: MirrorLoadOptions
  readonly #feed: FeedConnection
  #k = 0
  #applied = 0
  /** Bytes of live entries that Redis has not confirmed. */
  #unsent = 0
  #leaseMs = firstLeaseMs
  #kind: MirrorBatch['kind']
  #isLoaded = false
  #isLeaving = false
  #isOver = false
  /** Redis's time, while the answer to a beat may be used for it: within the step in which it arrived. */
  #time: number | undefined
  /** Redis's time as it was read last, with the node's clock before and after. */
  #reading: { readonly time: number; readonly sent: number; readonly received: number } | undefined
  #cancel = () => {}

  constructor(options: MirrorLoadOptions) {
    this.#options = options
    this.#kind = options.state.distrusts ? 'distrust' : 'first'
    this.#feed = options.feed.attach(this, { kind: 'MIRROR', name: 'redis' })
    if (this.#isOver) this.#feed.closed()
    else {
      this.#say({ type: 'hello' })
      this.#ask()
    }
  }

  /** Gives the connection up. What was granted goes on until its end, and the feed waits for that. */
  end(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancel()
    this.#options.connection.close()
    // Undefined while `attach` runs.
    this.#feed?.closed()
    this.#options.onEnd(error)
  }

  get unsentBytes(): number {
    return this.#unsent
  }

  close(why: string): void {
    this.end(new Error(why))
  }

  /** Takes a frame of the feed. */
  send(text: string, sent = () => {}): void {
    const frame = readNodeFrame(text)
    if (this.#isOver || frame === undefined || frame === 'unknown') return
    switch (frame.type) {
      case 'entries': {
        const bytes = frame.n === undefined ? 0 : text.length
        this.#unsent += bytes
        this.#write(frame.entries, () => {
          this.#unsent -= bytes
          if (frame.n !== undefined) this.#acknowledge(frame.n)
          sent()
        })
        break
      }
      case 'loaded':
        // Also where there is nothing to write, Redis has to hold the node's position.
        this.#write([], () => {
          this.#isLoaded = true
          this.#acknowledge(frame.n)
          this.#options.onLoaded()
          this.#ask()
        })
        break
      case 'beat':
        this.#leaseMs = frame.lease
        if (this.#time !== undefined) this.#grant(frame, this.#time)
        break
      case 'bye':
        this.#isLeaving = true
        this.#options.onBye()
        this.#leave()
    }
  }

  #say(frame: VerifierFrame): void {
    this.#feed.receive(writeFrame(frame))
  }

  /** Sent at once: what Redis has not confirmed stands in the connection's queue, and the feed bounds it. */
  #write(entries: readonly Revocation[], then: () => void): void {
    const { state, connection } = this.#options
    const isFirst = this.#kind !== 'next'
    const after = isFirst ? state.confirmed : state.sent
    const at = ++state.sent
    const batch = { node: state.node, entries, after, at, kind: this.#kind }
    this.#kind = 'next'
    this.#whenDone(connection.write(batch), () => {
      state.confirmed = at
      if (isFirst) state.distrusts = false
      then()
    })
  }

  #acknowledge(n: number): void {
    this.#applied = Math.max(this.#applied, n)
    this.#beat()
  }

  #beat(): void {
    this.#say({ type: 'beat', k: ++this.#k, applied: this.#applied })
  }

  /** Asks for Redis's time, and with its answer lets `fresh` live on. Repeats that each third of the lease. */
  #ask(): void {
    const { clock, connection } = this.#options
    this.#cancel()
    if (this.#isLeaving) return
    const sent = clock.monotonic()
    this.#cancel = clock.after(patienceMs, () => this.end(new Error('Redis does not answer.')))
    connection.time().then(
      time => {
        if (this.#isOver || this.#isLeaving) return
        this.#cancel()
        this.#cancel = clock.after(this.#leaseMs / 3 - (clock.monotonic() - sent), () => this.#ask())
        if (this.#hasJumped({ time, sent, received: clock.monotonic() }))
          return this.end(new Error("Redis's clock was set."))
        if (!this.#isLoaded) return
        this.#time = time
        this.#beat()
        this.#time = undefined
      },
      error => this.end(error),
    )
  }

  #grant({ age, lease, time: databaseTime }: Beat, time: number): void {
    if (age === undefined || databaseTime === undefined || age >= lease) return
    const { state, connection } = this.#options
    const until = Math.floor(time + lease - age)
    state.grantedUntil = Math.max(state.grantedUntil, until)
    const grant = { node: state.node, at: state.sent, until, time: Math.floor(databaseTime) }
    this.#whenDone(connection.grant(grant), () => {})
  }

  /** What Redis has lost is written again by a new load. */
  #whenDone(answer: Promise<boolean>, then: () => void): void {
    answer.then(
      isThere => {
        if (this.#isOver) return
        if (isThere) then()
        else this.end(new Error('Redis has lost data.'))
      },
      error => this.end(error),
    )
  }

  /**
   * Whether Redis's clock went on otherwise than any clock does. A jump may have ended entries early. A clock that was
   * put back lets `fresh` live too long.
   */
  #hasJumped(reading: { time: number; sent: number; received: number }): boolean {
    const before = this.#reading
    this.#reading = reading
    if (before === undefined) return false
    const elapsed = reading.time - before.time
    const isBack = elapsed < (reading.sent - before.received) / clockRate - roundingMs
    if (isBack) this.#options.state.distrusts = true
    return isBack || elapsed > (reading.received - before.sent) * clockRate + roundingMs
  }

  /**
   * Answers bye as soon as nobody is fresh by this node: `fresh` has ended, or lives longer than this node has granted,
   * by another node. It is not deleted: where other nodes go on, services shall notice nothing.
   */
  #leave(): void {
    const { clock, connection, state } = this.#options
    this.#cancel()
    this.#cancel = clock.after(this.#leaseMs / 12, () => this.#leave())
    connection.freshUntil().then(
      until => {
        if (this.#isOver || (until !== undefined && until <= state.grantedUntil + readingMs)) return
        this.#say({ type: 'bye' })
      },
      error => this.end(error),
    )
  }
}
