import { type Clock, clockRate } from './clock.ts'
import type { Follower, Membership } from './follow.ts'
import { Sightings } from './sightings.ts'
import { isVisible } from './snapshot.ts'
import type { NodeRow } from './store.ts'

/** What the barrier asks of the node's follower. */
export type Followed = Pick<Follower, 'membership' | 'longestLeaseMs' | 'hint'>

interface Wait {
  /** None until the database has given one: while it can't, only time helps. */
  xid: string | undefined
  /** The longest lease of all nodes, as a look has shown that began after the commit was answered. */
  leaseMs: number | undefined
  /** Ends the wait if its time is over, and otherwise sets its timer. */
  checkTime(): void
  end(): void
}

/** Milliseconds between two looks at the other nodes. Usually the second or third look is the last one. */
const shortestPauseMs = 1
const longestPauseMs = 50

/**
 * Waits until every node refuses what a transaction has revoked.
 *
 * A look at `nodes` after the commit sees a row of every node that might decide from a picture without it (follow.ts
 * says why). When each row shows a snapshot with the transaction in it, all nodes refuse. Otherwise time ends the wait:
 * what a node decides one longest lease after the commit, it has read after the commit. That needs no database, and no
 * clock but the own one.
 *
 * The longest lease is known from the same look: a node that joins later reads later. Until such a look was answered,
 * the longest lease is the longest that is allowed. (Leases differ while ANNUL_LEASE_MS is changed node by node. A
 * database that is replaced by an older one meanwhile is not covered: its rows lack the leases of nodes that joined
 * later.)
 *
 * Waiters share looks, but ignore a look that was already in flight when they arrived: it may have missed a row, and it
 * may be the last answer of a database that was replaced, whose numbers mean other transactions.
 */
export class Barrier {
  readonly #follower: Followed
  readonly #clock: Clock
  readonly #longestAllowedMs: number
  readonly #waits = new Set<Wait>()
  #sightings = new Sightings()
  /** The connection that showed the sightings: another one may lead to another database. */
  #sighted: Membership['connection'] | undefined
  #longestLeaseMs = 0
  #looking = false
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
   * @param xid of the transaction that revoked, or of a later one that saw it revoked; without it, one is taken here
   * @returns how many milliseconds it took; it never fails
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
            // A row that stands still is seen to do so for a lease a moment later.
            this.#lookUntil = this.#clock.monotonic() + leaseMs / 10
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
      // The connection is lost, and nobody knows more than that a lease will end.
    }
  }

  async #look(): Promise<void> {
    this.#looking = true
    while (this.#waits.size > 0 || this.#clock.monotonic() < this.#lookUntil) {
      await this.#pause()
      const waits = [...this.#waits]
      const membership = this.#follower.membership
      try {
        const rows = await membership?.connection.nodes()
        if (membership === undefined || rows === undefined) continue
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
      }
    }
    this.#looking = false
  }

  /**
   * A node that has just connected may be talking to a restored database, whose rows of nodes are those of the past.
   * One lease later, nobody decides by what the lost one said.
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
    this.#pauseMs = Math.min(longestPauseMs, milliseconds * 1.1)
    return new Promise(resolve => {
      const cancel = this.#clock.after(milliseconds, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
