import type { Beat, NodeRow, Reading, Snapshot } from '../../../src/revocation/store.ts'
import { feedFlaws } from './feedFlaws.ts'
import { type Flaw, type Node, nodeOf } from './node.ts'
import { ModelConnection } from './store.ts'
import type { Process } from './world.ts'

/*
 * Mistakes that are easy to make, each around the real code. The simulation must find every one of them: that shows
 * that it would find such a mistake in the code.
 */

/** A late commit has a lower id than what was read already. */
class CursorBySequence extends ModelConnection {
  #last = 0

  protected override news(_since: string, snapshot: string) {
    const rows = this.store.database.visible(snapshot).filter(row => row.id > this.#last)
    this.#last = Math.max(this.#last, ...rows.map(row => row.id))
    return rows.map(row => row.revocation)
  }
}

/** Published before it was applied: the answer is still on its way, or was lost. */
class AcknowledgesWhileReading extends ModelConnection {
  protected override acknowledged(_synced: string, snapshot: string): string {
    return snapshot
  }
}

class RemembersAnswers extends ModelConnection {
  override async beat(node: string, since: Snapshot, synced: Snapshot): Promise<Beat> {
    const reading = await super.beat(node, since, synced)
    const own = nodeOf.get(this.store.process)
    if (own !== undefined && reading.found) own.marked = clocksOf(this.store.process)
    return reading
  }
}

/** It shows what is new, but not whether anybody still waits for this node. */
class CountsEveryReading extends ModelConnection {
  override async read(since: Snapshot): Promise<Reading> {
    const clocks = clocksOf(this.store.process)
    const reading = await super.read(since)
    const own = nodeOf.get(this.store.process)
    if (own !== undefined) own.marked = clocks
    return reading
  }
}

/** A beat may be on its way that makes the node fresh again, from a snapshot without the revocation. */
class SkipsByStoredLease extends ModelConnection {
  override nodes(): Promise<readonly NodeRow[]> {
    return this.reading(database =>
      [...database.nodes]
        .filter(([, row]) => database.world.now < row.beatAt + row.leaseMs)
        .map(([id, row]) => ({ id, beat: String(row.beat), leaseMs: row.leaseMs, synced: row.synced })),
    )
  }
}

/** The statement that joins also reads: nobody can see its row while it does. */
class ReadsBeforeItsRowIsCommitted extends ModelConnection {
  #joinReading: Beat | undefined
  #synced: Snapshot = '1:1:'

  override async snapshot(): Promise<Snapshot> {
    this.#synced = await super.snapshot()
    return this.#synced
  }

  override join(node: string, leaseMs: number): Promise<void> {
    return this.writing(({ nodes }, snapshot) => {
      const databaseMs = this.store.process.world.now
      const revocations = this.news(this.#synced, snapshot)
      return () => {
        nodes.set(node, { beat: 0, beatAt: databaseMs, leaseMs, synced: '1:1:' })
        this.#joinReading = { found: true, revocations, snapshot, databaseMs, longestLeaseMs: leaseMs }
      }
    })
  }

  override async beat(node: string, since: Snapshot, synced: Snapshot): Promise<Beat> {
    const reading = this.#joinReading
    this.#joinReading = undefined
    return reading ?? super.beat(node, since, synced)
  }
}

/** A node that was deleted goes on, and nobody waits for it. */
class IgnoresThatItWasForgotten extends ModelConnection {
  override async beat(node: string, since: Snapshot, synced: Snapshot): Promise<Beat> {
    return { ...(await super.beat(node, since, synced)), found: true }
  }
}

/** It may have come back to life since it was seen. */
class ForgetsWhateverTheBeat extends ModelConnection {
  override forget(node: string): Promise<void> {
    return this.leave(node)
  }
}

export const flaws = {
  ...feedFlaws,
  'freshness taken after the read': {
    Connection: RemembersAnswers,
    isFresh: node => node.follower.ageMs() !== undefined && isMarkFresh(node),
  },
  'a cursor by sequence': { Connection: CursorBySequence },
  'an acknowledgement in the reading statement': { Connection: AcknowledgesWhileReading },
  'a barrier that skips a node by a stored lease': { Connection: SkipsByStoredLease },
  'a joiner that reads before its row is committed': { Connection: ReadsBeforeItsRowIsCommitted },
  'a barrier that ends by the own lease while others have longer ones': { trustsOwnLease: true },
  'a request that joins a strict read in flight': { joinsStrictReads: true },
  'a beat that found no row and counts': { Connection: IgnoresThatItWasForgotten },
  'a reading without a beat that counts': {
    Connection: CountsEveryReading,
    isFresh: node => node.follower.isFresh() || (node.follower.ageMs() !== undefined && isMarkFresh(node)),
  },
  'a row that is deleted whatever its beat': { Connection: ForgetsWhateverTheBeat },
  'a barrier that trusts a new connection at once': {
    followed: follower => ({
      hint: xid => follower.hint(xid),
      hasPublished: xid => follower.hasPublished(xid),
      get longestLeaseMs() {
        return follower.longestLeaseMs
      },
      get membership() {
        return follower.membership && { ...follower.membership, connectedAt: Number.NEGATIVE_INFINITY }
      },
    }),
  },
} satisfies Record<string, Flaw>

function clocksOf(process: Process) {
  return { monotonic: process.monotonic(), wall: process.wall() }
}

function isMarkFresh({ marked, process, leaseMs }: Node): boolean {
  if (marked === undefined) return false
  const wall = process.wall() - marked.wall
  return wall >= 0 && Math.max(wall, process.monotonic() - marked.monotonic) < leaseMs
}
