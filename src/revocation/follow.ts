import { randomUUID } from 'node:crypto'
import type { Clock } from './clock.ts'
import { type Gate, openGate } from './gate.ts'
import { isVisible } from './snapshot.ts'
import type { RevocationConnection, RevocationStore, Snapshot } from './store.ts'
import type { RevocationView } from './view.ts'

/** What the barrier needs of a follower that is connected. */
export interface Membership {
  readonly connection: RevocationConnection
  /** The node's row. */
  readonly node: string
  /** When this connection gave its first answer, by this node's monotonic clock. */
  readonly connectedAt: number
}

export interface FollowerOptions {
  readonly store: RevocationStore
  readonly view: RevocationView
  readonly clock: Clock
  /** How old the view may be for deciding, in milliseconds. */
  readonly leaseMs: number
  /** What has to pass before a reading is published; default: nothing. */
  readonly gate?: Gate | undefined
  /** Called with the reason why a connection was given up, for the log; a new one is opened in any case. */
  readonly onError?: ((error: unknown) => void) | undefined
}

const reconnectMs = 100
/** Shows nothing: what a node's row has before its first reading was published. */
const nothing: Snapshot = '1:1:'

/**
 * Keeps a view up to date with the log of revocations, and knows how fresh the view is.
 *
 * Why no token is accepted after its revocation was answered: the barrier (barrier.ts) returns when each row of
 * `nodes` shows a snapshot that contains the revocation, or when it has waited for every lease. So let this node be
 * fresh, and its view lack a revocation whose transaction has committed. Then the barrier has not returned:
 *  - The node's row existed before the read that made the node fresh began. So a barrier that finds no row polled
 *    before that read began, and after the revocation had committed: the read would contain the revocation.
 *  - The node's row shows only snapshots whose contents were applied before they were published. Verifiers that decide by
 *    this node's picture had applied the contents, too, or could not be fresh any more (feed.ts).
 *  - The node became fresh by a read that was sent less than a lease ago. A revocation whose barrier has waited for a
 *    lease committed before that read was sent: the read would contain the revocation.
 *  - The node's row is deleted only after its beat stood still for a lease. The node's next beat finds no row, and ends
 *    the node's freshness.
 */
export class Follower {
  readonly #options: FollowerOptions
  readonly #gate: Gate
  #membership: Membership | undefined
  /** The clocks, taken before the latest beat was sent whose reading was applied. */
  #checked: { monotonic: number; wall: number } | undefined
  /** Database time minus monotonic clock. */
  #offset: number | undefined
  #longestLeaseMs: number
  /** Rows that may be left of earlier connections. */
  #former: string[] = []
  /** Everything in this snapshot has been applied. */
  #applied: Snapshot | undefined
  /** The latest of those snapshots that has passed the gate: it may be published. */
  #passed: Snapshot | undefined
  /** The snapshot that the node's row shows, or is about to show. */
  #published: Snapshot | undefined
  /** How many snapshots were applied, and which of them has passed. */
  #appliedCount = 0
  #passedCount = 0
  /** Somebody may wait until the node's row shows a snapshot from this one on; undefined: nobody does. */
  #awaited: number | undefined
  /** Something may be there to read. */
  #hinted = false
  /** Something may be there to publish. */
  #stirred = false
  #wake = () => {}
  #stopped = false
  #ended: Promise<void> | undefined
  #closed: Promise<void> | undefined
  #onFresh = () => {}

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#gate = options.gate ?? openGate
    this.#longestLeaseMs = options.leaseMs
  }

  /** @returns when the view is fresh for the first time, or the follower was stopped */
  start(): Promise<void> {
    const fresh = new Promise<void>(resolve => {
      this.#onFresh = resolve
    })
    this.#ended ??= this.#run().finally(this.#onFresh)
    return fresh
  }

  /** Stops deciding from memory, and removes the node's row when nobody decides by this node's picture any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#checked = undefined
    this.#closed ??= this.#gate.close()
    this.hint()
    await this.#ended
    await this.#closed
  }

  /**
   * Whether the view contains everything that had committed one lease ago. The clocks decide, since a timer may be
   * late. Both clocks do, since a suspended machine may stop the monotonic one, and a correction steps the wall clock.
   */
  isFresh(): boolean {
    const age = this.ageMs()
    return age !== undefined && age < this.#options.leaseMs
  }

  /** The age of the view, in milliseconds; undefined while it may not be used. */
  ageMs(): number | undefined {
    if (this.#checked === undefined) return undefined
    const { clock } = this.#options
    const wall = clock.wall() - this.#checked.wall
    // A wall clock that was put back no longer tells whether the machine was suspended.
    return wall < 0 ? undefined : Math.max(clock.monotonic() - this.#checked.monotonic, wall)
  }

  /**
   * The database's time in milliseconds since 1970, never early by more than the clocks drift within a lease; undefined
   * before the first contact. While the view is not fresh, the time that a strict read brings is more precise.
   */
  databaseTime(): number | undefined {
    return this.#offset === undefined ? undefined : this.#options.clock.monotonic() + this.#offset
  }

  /** Reads soon, because there may be news. @param xid the transaction that wrote them, if it is known */
  hint(xid?: string): void {
    if (xid !== undefined && this.hasPublished(xid)) return
    if (xid !== undefined && this.#applied !== undefined && isVisible(xid, this.#applied)) {
      this.#awaited ??= this.#appliedCount
      this.#stirred = true
    } else {
      this.#hinted = true
    }
    this.#wake()
  }

  /** Whether the node's row shows, or is about to show, that the transaction was applied. */
  hasPublished(xid: string): boolean {
    return this.#published !== undefined && isVisible(xid, this.#published)
  }

  get membership(): Membership | undefined {
    return this.#membership
  }

  /** The longest lease of any node that was ever seen. */
  get longestLeaseMs(): number {
    return this.#longestLeaseMs
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow(await this.#options.store.connect(xid => this.hint(xid)))
      } catch (error) {
        if (!this.#stopped) this.#options.onError?.(error)
      }
      // What the lost connection has left to do must not end the pauses: a database that is down would get no rest.
      this.#hinted = false
      this.#stirred = false
      if (!this.#stopped) await this.#pause(reconnectMs)
    }
  }

  /**
   * Reads the whole log before it joins, so that no barrier waits for a node that is still loading; the first beat
   * after the join reads what came since. A new connection always starts with the whole log: a database that was
   * restored numbers its transactions afresh. Entries that are known already are kept.
   */
  async #follow(connection: RevocationConnection): Promise<void> {
    try {
      let synced = await connection.snapshot()
      const connectedAt = this.#options.clock.monotonic()
      // Pages see at least what the snapshot sees: rows of the log never change, and only expired ones are deleted.
      for (let page = await connection.page('0'); page !== undefined && !this.#stopped; ) {
        const next = connection.page(page.lastId)
        this.#options.view.apply(page.revocations)
        page = await next
      }
      while (!this.#stopped)
        synced = await this.#join({ connection, node: randomUUID(), connectedAt }, synced)
      await this.#closed
      for (const node of this.#former) await connection.leave(node)
    } finally {
      this.#membership = undefined
      this.#forget()
      connection.close()
    }
  }

  /**
   * Joins, and beats until the node is stopped or finds itself forgotten.
   *
   * @param synced a snapshot of which everything has been applied
   * @returns the latest such snapshot, from which a new row goes on
   */
  async #join(membership: Membership, synced: Snapshot): Promise<Snapshot> {
    const { view, clock, leaseMs } = this.#options
    const { connection, node } = membership
    // A barrier that waited for the former row waits for the new one instead. So the former row's freshness may last.
    const former = this.#former
    this.#former = [...former, node]
    await connection.join(node, leaseMs, former)
    this.#former = [node]
    this.#membership = membership
    this.#forget()
    this.#apply(membership, synced)
    let applied = synced
    let beatenAt = Number.NEGATIVE_INFINITY
    this.#awaited = this.#appliedCount
    while (!this.#stopped) {
      // Taken before the statement is sent: its snapshot is younger than these times, whenever the answer arrives.
      const monotonic = clock.monotonic()
      const wall = clock.wall()
      const isDue = monotonic - beatenAt >= leaseMs / 3
      const isHinted = this.#hinted
      this.#hinted = false
      this.#stirred = false
      if (isDue || isHinted) {
        if (isDue) this.#published = this.#passed
        const beat = isDue ? await connection.beat(node, applied, this.#passed ?? nothing) : undefined
        if (beat?.found === false || this.#stopped) {
          this.#checked = undefined
          break
        }
        const reading = beat ?? (await connection.read(applied))
        view.apply(reading.revocations, beat?.databaseMs)
        applied = reading.snapshot
        this.#apply(membership, applied)
        // A reading without a beat does not show that the node's row is still there: it does not make the view fresher.
        if (beat !== undefined) {
          this.#checked = { monotonic, wall }
          this.#offset = beat.databaseMs - monotonic
          this.#longestLeaseMs = Math.max(this.#longestLeaseMs, beat.longestLeaseMs)
          beatenAt = monotonic
          this.#onFresh()
        }
        if (isHinted || reading.revocations.length > 0) this.#awaited ??= this.#appliedCount
      }
      // The next beat publishes what has passed. After news or a hint a barrier may wait for it, so it is sent now.
      if (this.#hasPassedAwaited()) {
        const count = this.#passedCount
        if (this.#passed !== undefined && this.#passed !== this.#published) {
          this.#published = this.#passed
          await connection.publish(node, this.#passed)
        }
        // What was applied since is awaited as well.
        this.#awaited = count < this.#appliedCount ? count + 1 : undefined
      }
      await this.#pause(leaseMs / 3 - (clock.monotonic() - beatenAt))
    }
    return applied
  }

  /** Notes what has been applied. It may be published when it has passed the gate, and only in the row of its time. */
  #apply(membership: Membership, snapshot: Snapshot): void {
    this.#applied = snapshot
    const count = ++this.#appliedCount
    this.#gate.whenPassed(this.#gate.position, () => {
      if (this.#membership !== membership) return
      this.#passed = snapshot
      this.#passedCount = count
      this.#stirred ||= this.#hasPassedAwaited()
      if (this.#stirred) this.#wake()
    })
  }

  /** An older snapshot than the awaited one is left to the next beat. */
  #hasPassedAwaited(): boolean {
    return this.#awaited !== undefined && this.#passedCount >= this.#awaited
  }

  /** Snapshots of a connection that was lost may mean other transactions: a restored database counts afresh. */
  #forget(): void {
    this.#applied = undefined
    this.#passed = undefined
    this.#published = undefined
  }

  /** Waits until the time is over, or there is something to read or to publish, since before the call too. */
  #pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      if (this.#hinted || this.#stirred || milliseconds <= 0) return resolve()
      const cancel = this.#options.clock.after(milliseconds, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
