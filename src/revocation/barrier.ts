import { type Clock, clockRate } from './clock.ts'
import type { Follower, Membership } from './follow.ts'
import { Sightings } from './sightings.ts'
import { isVisible } from './snapshot.ts'
import type { NodeRow } from './store.ts'

/** What the barrier asks of the node's follower. */
export type Followed = Pick<Follower, 'membership' | 'longestLeaseMs' | 'hint'>

interface Wait {
  /** None, until the database has given one: if it can't, only time helps. */
  xid: string | undefined
  end(): void
}

/** Milliseconds between two looks at the other nodes. Usually the second or third look is the last one. */
const shortestPauseMs = 1
const longestPauseMs = 50

/**
 * Waits until every node refuses what a transaction has revoked.
 *
 * A look at `nodes` after the commit sees a row of every node that might decide from a picture without it (follow.ts
 * says why); when each of them shows a snapshot with the transaction in it, all refuse. Otherwise time ends the wait:
 * whatever a node decides one longest lease after the commit was read after the commit. That needs no database, and
 * no clock but the own one.
 *
 * Looks are shared by all who wait, but nobody uses one that was on its way when he came: it may be the last answer of
 * a database that was replaced, whose numbers mean other transactions.
 */
export class Barrier {
  readonly #follower: Followed
  readonly #clock: Clock
  readonly #waits = new Set<Wait>()
  #sightings = new Sightings()
  /** The connection that showed the sightings: another one may lead to another database. */
  #sighted: Membership['connection'] | undefined
  #longestLeaseMs = 0
  #looking = false
  #lookUntil = Number.NEGATIVE_INFINITY
  #pauseMs = shortestPauseMs
  #wake = () => {}

  constructor(follower: Followed, clock: Clock) {
    this.#follower = follower
    this.#clock = clock
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
        end: () => {
          cancel()
          this.#waits.delete(wait)
          resolve()
        },
      }
      const runOut = () => {
        const rest = since + this.#leaseMs() - this.#clock.monotonic()
        if (rest > 0) {
          cancel = this.#clock.after(rest, runOut)
        } else {
          wait.end()
          // A row that stands still is seen to do so for a lease a moment later.
          this.#lookUntil = this.#clock.monotonic() + this.#leaseMs() / 10
        }
      }
      this.#waits.add(wait)
      runOut()
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

  /** The longest lease, on the slowest clock. */
  #leaseMs(): number {
    return Math.max(this.#longestLeaseMs, this.#follower.longestLeaseMs) * clockRate
  }

  async #look(): Promise<void> {
    this.#looking = true
    while (this.#waits.size > 0 || this.#clock.monotonic() < this.#lookUntil) {
      await this.#pause()
      const waits = [...this.#waits].filter(({ xid }) => xid !== undefined)
      const membership = this.#follower.membership
      try {
        const rows = await membership?.connection.nodes()
        if (membership === undefined || rows === undefined) continue
        this.#longestLeaseMs = Math.max(this.#longestLeaseMs, ...rows.map(row => row.leaseMs))
        for (const wait of waits) if (this.#isKnownToAll(wait, rows, membership)) wait.end()
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
      this.#clock.monotonic() - connectedAt >= this.#leaseMs() &&
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
