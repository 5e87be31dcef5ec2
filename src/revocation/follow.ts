import { randomUUID } from 'node:crypto'
import type { Clock } from './clock.ts'
import { isVisible } from './snapshot.ts'
import type { RevocationConnection, RevocationStore, Snapshot } from './store.ts'
import type { RevocationView } from './view.ts'

/** What the barrier needs of a follower that is connected. */
export interface Membership {
  readonly connection: RevocationConnection
  /** The node's row. */
  readonly node: string
  /** When this connection was first seen to work, by the own monotonic clock. */
  readonly connectedAt: number
}

export interface FollowerOptions {
  readonly store: RevocationStore
  readonly view: RevocationView
  readonly clock: Clock
  /** How old the view may be for deciding, in milliseconds. */
  readonly leaseMs: number
  /** Told why a connection was given up, for the log; it is opened again in any case. */
  readonly onError?: ((error: unknown) => void) | undefined
}

const reconnectMs = 100

/**
 * Keeps a view like the log of revocations, and knows how fresh it is.
 *
 * Why no token is accepted after its revocation was answered: the barrier (barrier.ts) returns when each row of
 * `nodes` shows a snapshot with the revocation in it, or when it outwaited every lease. So let this node be fresh, and
 * the revocation's transaction be one that its view lacks.
 *  - Its row existed before the read that made it fresh began, so a barrier that finds no row looked before that read
 *    began, after the revocation had committed: the read has it.
 *  - Its row shows only snapshots whose contents were applied before they were published.
 *  - It became fresh by a read that was sent less than a lease ago; a revocation outwaited for a lease committed
 *    before that read was sent: the read has it.
 *  - Its row is deleted only after its beat stood still for a lease. The next beat finds nothing, and ends freshness.
 */
export class Follower {
  readonly #options: FollowerOptions
  #membership: Membership | undefined
  /** The clocks before the latest reading that was applied was sent. */
  #checked: { monotonic: number; wall: number } | undefined
  /** Database time minus monotonic clock. */
  #offset: number | undefined
  #longestLeaseMs: number
  /** Rows that may be left of earlier connections. */
  #former: string[] = []
  /** What the own row shows, or is about to. */
  #published: Snapshot | undefined
  #hinted = false
  #wake = () => {}
  #stopped = false
  #ended: Promise<void> | undefined
  #onFresh = () => {}

  constructor(options: FollowerOptions) {
    this.#options = options
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

  /** Stops deciding from memory, and removes the own row so that nobody waits for it. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#checked = undefined
    this.hint()
    await this.#ended
  }

  /**
   * Whether the view contains everything that had committed one lease ago. It looks at the clocks, since a timer may
   * be late: both, since a suspended machine may stop the monotonic one, and a corrected one steps the other.
   */
  isFresh(): boolean {
    const age = this.ageMs()
    return age !== undefined && age < this.#options.leaseMs
  }

  /** The age of what the view shows, in milliseconds; undefined: it may not be used. */
  ageMs(): number | undefined {
    if (this.#checked === undefined) return undefined
    const { clock } = this.#options
    const wall = clock.wall() - this.#checked.wall
    // A wall clock that was put back no longer tells whether the machine was suspended.
    return wall < 0 ? undefined : Math.max(clock.monotonic() - this.#checked.monotonic, wall)
  }

  /**
   * The database's time in milliseconds since 1970, never early by more than the clocks drift within a lease; undefined
   * before the first contact. While the view is not fresh, the time that the strict read brings is the better one.
   */
  databaseTime(): number | undefined {
    return this.#offset === undefined ? undefined : this.#options.clock.monotonic() + this.#offset
  }

  /** There may be something to read: what this transaction wrote, if that is known. */
  hint(xid?: string): void {
    if (xid !== undefined && this.#published !== undefined && isVisible(xid, this.#published)) return
    this.#hinted = true
    this.#wake()
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
      this.#hinted = false
      if (!this.#stopped) await this.#pause(reconnectMs)
    }
  }

  /**
   * Reads the whole log before it joins, so that nobody waits for a node that is still loading; the first beat after
   * the join reads what came since. A new connection always starts with the whole log: a database that was restored
   * numbers its transactions afresh. Entries that are known already are kept.
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
      for (const node of this.#former) await connection.leave(node)
    } finally {
      this.#membership = undefined
      this.#published = undefined
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
    // Whoever waited for the former row waits for the new one instead, so the freshness that it gave may last.
    const former = this.#former
    this.#former = [...former, node]
    await connection.join(node, leaseMs, former)
    this.#former = [node]
    this.#membership = membership
    let applied = synced
    let beatenAt = Number.NEGATIVE_INFINITY
    let asked = true
    while (!this.#stopped) {
      // Before it is sent: the statement's snapshot is younger than these, whenever the answer arrives.
      const monotonic = clock.monotonic()
      const wall = clock.wall()
      const isDue = monotonic - beatenAt >= leaseMs / 3
      this.#hinted = false
      if (isDue) this.#published = applied
      const beat = isDue ? await connection.beat(node, applied) : undefined
      if (beat?.found === false || this.#stopped) {
        this.#checked = undefined
        break
      }
      const reading = beat ?? (await connection.read(applied))
      view.apply(reading.revocations, beat?.databaseMs)
      applied = reading.snapshot
      // A reading without a beat does not show that the row is still there: it makes nothing fresher.
      if (beat !== undefined) {
        this.#checked = { monotonic, wall }
        this.#offset = beat.databaseMs - monotonic
        this.#longestLeaseMs = Math.max(this.#longestLeaseMs, beat.longestLeaseMs)
        beatenAt = monotonic
        this.#onFresh()
      }
      // The next beat publishes what was applied. Somebody waits for it, if there was news or a hint.
      if (asked || reading.revocations.length > 0) {
        this.#published = applied
        await connection.publish(node, applied)
      }
      await this.#pause(leaseMs / 3 - (clock.monotonic() - beatenAt))
      asked = this.#hinted
    }
    return applied
  }

  /** Until the time is over or a hint arrives; a hint that has arrived already counts. */
  #pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      if (this.#hinted || milliseconds <= 0) return resolve()
      const cancel = this.#options.clock.after(milliseconds, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
