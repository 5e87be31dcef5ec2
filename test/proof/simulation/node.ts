import { Barrier, type Followed } from '../../../src/revocation/barrier.ts'
import { Follower } from '../../../src/revocation/follow.ts'
import type { RevocationStore } from '../../../src/revocation/store.ts'
import { RevocationView } from '../../../src/revocation/view.ts'
import { Link, type ModelDatabase, Network } from './database.ts'
import { type ModelConnection, ModelStore } from './store.ts'
import type { Process, World } from './world.ts'

/** A mistake that is made on purpose, around the real code. */
export interface Flaw {
  readonly Connection?: typeof ModelConnection
  readonly isFresh?: (node: Node) => boolean
  readonly followed?: (follower: Follower) => Followed
  /** A barrier ends by the own node's lease, before it has seen another's. */
  readonly trustsOwnLease?: boolean
  /** Requests use a strict read that is already on its way. */
  readonly joinsStrictReads?: boolean
}

/** Of all nodes of a schedule. */
export const longestLeaseMs = 300

/** One node of Annul: the real view, follower and barrier on a process of the simulation. */
export class Node {
  readonly process: Process
  readonly network: Network
  readonly view = new RevocationView()
  readonly follower: Follower
  readonly barrier: Barrier
  /** When it was last seen to be fresh, in true time. */
  freshAt = Number.NEGATIVE_INFINITY
  /** For flaws: the own clocks, by which they judge freshness. */
  marked: { monotonic: number; wall: number } | undefined
  readonly leaseMs: number
  readonly #database: ModelDatabase
  readonly #flaw: Flaw
  #reading: Promise<ReadonlySet<string>> | undefined

  constructor(world: World, process: Process, database: ModelDatabase, leaseMs: number, flaw: Flaw) {
    this.process = process
    this.network = new Network(world)
    this.leaseMs = leaseMs
    this.#database = database
    this.#flaw = flaw
    const store: RevocationStore = new ModelStore(process, database, this.network, flaw.Connection)
    this.follower = new Follower({ store, view: this.view, clock: process, leaseMs })
    nodeOf.set(process, this)
    this.barrier = new Barrier(
      flaw.followed?.(this.follower) ?? this.follower,
      process,
      flaw.trustsOwnLease ? leaseMs : longestLeaseMs,
    )
  }

  get isFresh(): boolean {
    return this.#flaw.isFresh?.(this) ?? this.follower.isFresh()
  }

  /** A connection of the pool that verbs and strict reads use. */
  connection(): Link {
    return new Link(this.process, this.#database, this.network, () => {})
  }

  /** The strict path: what is revoked, by the primary. */
  readStrictly(milliseconds: number): Promise<ReadonlySet<string>> {
    if (this.#flaw.joinsStrictReads && this.#reading) return this.#reading
    const database = this.#database
    this.#reading = this.connection().send(() => {
      const names = database.visible(database.snapshot()).map(row => row.name)
      return { commit: () => new Set(names) }
    }, milliseconds)
    const done = () => {
      this.#reading = undefined
    }
    this.#reading.then(done, done)
    return this.#reading
  }
}

/** The node that runs on a process. */
export const nodeOf = new WeakMap<Process, Node>()
