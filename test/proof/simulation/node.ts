import { Barrier, type Followed } from '../../../src/revocation/barrier.ts'
import { Feed, type FeedLink, type FeedOptions } from '../../../src/revocation/feed.ts'
import { Follower } from '../../../src/revocation/follow.ts'
import type { Gate } from '../../../src/revocation/gate.ts'
import type { RevocationStore } from '../../../src/revocation/store.ts'
import { type Revocation, RevocationView } from '../../../src/revocation/view.ts'
import type { FeedReader, ReaderLink } from '../../../src/verify/feedReader.ts'
import { Link, type ModelDatabase, Network } from './database.ts'
import { type ModelConnection, ModelStore } from './store.ts'
import type { Host, Verifier } from './verifier.ts'
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
  /** Only verifiers can show it: each schedule has some. */
  readonly needsVerifiers?: boolean
  readonly Feed?: typeof Feed
  readonly feedOptions?: (options: FeedOptions, node: Node) => FeedOptions
  readonly gate?: (feed: Feed, node: Node) => Gate
  /** What a node sends to a verifier, and what a verifier sends to a node. */
  readonly nodeLink?: (link: FeedLink, host: Host) => FeedLink
  readonly readerLink?: (link: ReaderLink, verifier: Verifier) => ReaderLink
  readonly Reader?: typeof FeedReader
  /** A verifier's view, where it is not the one that its reader fills. */
  readonly verifierView?: (verifier: Verifier) => RevocationView
}

/** Of all nodes of a schedule. */
export const longestLeaseMs = 300

/** One node of Annul: the real view, follower and barrier on a process of the simulation. */
export class Node {
  readonly process: Process
  readonly network: Network
  readonly view = new RevocationView()
  readonly feed: Feed
  readonly follower: Follower
  readonly barrier: Barrier
  /** Whether it takes requests and sockets no more. */
  isStopping = false
  /** Whether its own entries are being applied. */
  appliesOwn = false
  /** When it was last seen to be fresh, in true time. */
  freshAt = Number.NEGATIVE_INFINITY
  /** For flaws: the own clocks, by which they judge freshness. */
  marked: { monotonic: number; wall: number } | undefined
  readonly leaseMs: number
  readonly #database: ModelDatabase
  readonly #flaw: Flaw
  #reading: Promise<ReadonlySet<string>> | undefined

  constructor(
    world: World,
    process: Process,
    database: ModelDatabase,
    { leaseMs, ackMs }: { leaseMs: number; ackMs: number },
    flaw: Flaw,
  ) {
    this.process = process
    this.network = new Network(world)
    this.leaseMs = leaseMs
    this.#database = database
    this.#flaw = flaw
    const store: RevocationStore = new ModelStore(process, database, this.network, flaw.Connection)
    const { view } = this
    const picture = {
      ageMs: () => this.follower.ageMs(),
      databaseTime: () => this.follower.databaseTime(),
    }
    const options = { view, clock: process, leaseMs, ackMs, picture }
    this.feed = new (flaw.Feed ?? Feed)(flaw.feedOptions?.(options, this) ?? options)
    const gate = flaw.gate?.(this.feed, this) ?? this.feed
    this.follower = new Follower({ store, view, clock: process, leaseMs, gate })
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

  /** What a verb does after its commit (createRevocation.ts). */
  async revoked(xid: string | undefined, own: readonly Revocation[]): Promise<void> {
    if (this.follower.isFresh() && this.follower.databaseTime() !== undefined) {
      this.appliesOwn = true
      this.view.apply(own)
      this.appliesOwn = false
    }
    await this.barrier.wait(xid)
  }

  /** @returns when nobody decides by it any more */
  stop(): Promise<void> {
    this.isStopping = true
    return this.follower.stop()
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
