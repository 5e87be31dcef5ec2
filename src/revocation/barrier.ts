import { type Clock, clockRate } from './clock.ts'
import type { Follower, Membership } from './follow.ts'
import { Sightings } from './sightings.ts'
import { isVisible } from './snapshot.ts'
import type { NodeRow } from './store.ts'

/** What the barrier asks of the node's follower. */
export type Followed = Pick<Follower, 'membership' | 'longestLeaseMs' | 'hint' | 'hasPublished'>

interface Wait {
  /** Undefined until the database has given one; without it, only time ends the wait. */
  xid: string | undefined
  /** The longest lease of all nodes, by a poll that began after the commit was answered; undefined before it. */
  leaseMs: number | undefined
  /** Ends the wait if its time is over, and otherwise sets its timer. */
  checkTime(): void
  end(): void
}

/** Milliseconds between two polls of `nodes`. Usually the second or third poll is the last one. */
const shortestPauseMs = 1
const longestPauseMs = 50
/** A wait that is not over after some ten milliseconds is one for verifiers, or for a node that is paused or dead. */
const growth = (pauseMs: number) => (pauseMs < 2 ? 1.1 : 1.3)

/**
 * Waits until every node refuses what a transaction has revoked.
 *
 * A poll of `nodes` after the commit sees a row of every node that may decide from a view without the revocation
 * (follow.ts says why). When each row shows a snapshot that contains the transaction, all nodes refuse. Otherwise time
 * ends the wait: a node that decides from memory one longest lease after the commit has read after the commit. That
 * needs no database, and no clock but this node's own.
 *
 * The longest lease is known from the same poll: a node that joins after the poll also reads after it. Until such a
 * poll was answered, the wait counts with the longest lease that is allowed. (Leases differ while ANNUL_LEASE_MS is
 * changed node by node. A database that is replaced by an older one meanwhile is not covered: the older one lacks the
 * rows of nodes that joined later, and so their leases.)
 *
 * Waiters share polls, but ignore a poll that was already in flight when they arrived. Such a poll may have missed a
 * row. It may also be the last answer of a database that was replaced, whose transaction ids mean other transactions.
 */
export class Barrier {
  readonly #follower: Followed
  readonly #clock: Clock
  readonly #longestAllowedMs: number
  readonly #waits = new Set<Wait>()
  #sightings = new Sightings()
  /** The connection that the sightings come from. Another connection may lead to another database. */
  #sighted: Membership['connection'] | undefined
  #longestLeaseMs = 0
  #looking = false
  /** When the latest poll was over. */
  #lookedAt = Number.NEGATIVE_INFINITY
  /** When nobody waits, the first poll that is over at this time or later is the last one. */
  #lookUntil = Number.NEGATIVE_INFINITY
  #pauseMs = shortestPauseMs
  #wake = () => {}

  /** @param longestAllowedMs no node of the fleet has a longer lease */
  constructor(follower: Followed, clock: Clock, longestAllowedMs: number) {
    this.#follower = follower
    this.#clock = clock
    this.#longestAllowedMs = longestAllowedMs
  }

  /**
   * To be called when the commit was answered.
   *
   * @param xid the id of the transaction that revoked, or of a later one that saw the revocation; without it, an id is
   *   taken here
   * @returns milliseconds waited; the promise never rejects
   */
  async wait(xid?: string): Promise<number> {
    const since = this.#clock.monotonic()
    this.#follower.hint(xid)
    await new Promise<void>(resolve => {
      let cancel = () => {}
      const wait: Wait = {
        xid,
        leaseMs: undefined,
        end: () => {
          cancel()
          this.#waits.delete(wait)
          resolve()
        },
        checkTime: () => {
          cancel()
          const leaseMs = (wait.leaseMs ?? this.#longestAllowedMs) * clockRate
          const rest = since + leaseMs - this.#clock.monotonic()
          if (rest > 0) {
            cancel = this.#clock.after(rest, wait.checkTime)
          } else {
            wait.end()
            // A silent row may have been seen for the first time just now, and has to be watched for a lease.
            this.#lookUntil = this.#clock.monotonic() + leaseMs
          }
        },
      }
      this.#waits.add(wait)
      wait.checkTime()
      if (xid === undefined) void this.#take(wait)
      this.#pauseMs = shortestPauseMs
      this.#wake()
      if (!this.#looking) void this.#look()
    })
    return this.#clock.monotonic() - since
  }

  async #take(wait: Wait): Promise<void> {
    try {
      wait.xid = await this.#follower.membership?.connection.takeTransactionId()
      this.#follower.hint(wait.xid)
    } catch {
      // The connection is lost: time alone ends this wait.
    }
  }

  async #look(): Promise<void> {
    this.#looking = true
    while (this.#waits.size > 0 || this.#lookedAt < this.#lookUntil) {
      await this.#pause()
      const waits = [...this.#waits]
      if (!this.#mayConclude(waits)) continue
      const membership = this.#follower.membership
      if (membership === undefined) {
        // No row can be forgotten. A process whose node has stopped ends without waiting for that.
        this.#lookUntil = Number.NEGATIVE_INFINITY
        continue
      }
      try {
        const rows = await membership.connection.nodes()
        const leases = [this.#longestLeaseMs, this.#follower.longestLeaseMs, ...rows.map(row => row.leaseMs)]
        this.#longestLeaseMs = Math.max(...leases)
        for (const wait of waits) {
          wait.leaseMs = this.#longestLeaseMs
          if (this.#isKnownToAll(wait, rows, membership)) wait.end()
          else if (this.#waits.has(wait)) wait.checkTime()
        }
        await this.#forgetTheSilent(rows, membership)
      } catch {
        // The follower sees the same error, and connects anew.
      } finally {
        this.#lookedAt = this.#clock.monotonic()
      }
    }
    this.#looking = false
  }

  /**
   * While the own row does not show what was revoked, because a verifier of this node has not acknowledged it, the other
   * rows need not be asked for. Each wait is asked about once in any case, for the longest lease.
   */
  #mayConclude(waits: readonly Wait[]): boolean {
    if (waits.length === 0) return true
    return waits.some(
      ({ xid, leaseMs }) => leaseMs === undefined || (xid !== undefined && this.#follower.hasPublished(xid)),
    )
  }

  /**
   * A node that has just connected may be talking to a restored database, whose rows of `nodes` are out of date. So the
   * rows count only one longest lease after the connection: by then no node decides by what the lost database said.
   */
  #isKnownToAll(wait: Wait, rows: readonly NodeRow[], { node, connectedAt }: Membership): boolean {
    const { xid } = wait
    return (
      xid !== undefined &&
      this.#clock.monotonic() - connectedAt >= this.#longestLeaseMs * clockRate &&
      rows.some(row => row.id === node) &&
      rows.every(row => isVisible(xid, row.synced))
    )
  }

  async #forgetTheSilent(rows: readonly NodeRow[], { connection }: Membership): Promise<void> {
    if (this.#sighted !== connection) this.#sightings = new Sightings()
    this.#sighted = connection
    const silent = this.#sightings.see(rows, this.#clock.monotonic(), this.#longestLeaseMs)
    for (const { id, beat } of silent) await connection.forget(id, beat)
  }

  #pause(): Promise<void> {
    const milliseconds = this.#pauseMs
    this.#pauseMs = Math.min(longestPauseMs, milliseconds * growth(milliseconds))
    return new Promise(resolve => {
      const cancel = this.#clock.after(milliseconds, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
