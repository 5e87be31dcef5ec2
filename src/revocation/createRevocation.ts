import { longestLeaseMs } from '../config.ts'
import { Barrier } from './barrier.ts'
import { type Clock, systemClock } from './clock.ts'
import { Feed } from './feed.ts'
import { Follower } from './follow.ts'
import type { RevocationStore } from './store.ts'
import { type Revocation, RevocationView } from './view.ts'

export interface OwnNode {
  readonly id: string
  /** Of a node that never has a row, because no other could read it; undefined: the row tells. */
  readonly since?: Date
}

/** What a node knows of revocations, and how it makes the other nodes know. One per process. */
export interface RevocationService {
  /** Decides about a token's claims, synchronously. To be asked only while `isFresh()`, right after it. */
  readonly view: Pick<RevocationView, 'verdict' | 'subscribe' | 'size' | 'isKeyRevoked' | 'revokedKeys'>
  /** Those who decide by this node's picture: verifiers, and the mirror. */
  readonly feed: Pick<Feed, 'attach' | 'tellKeys' | 'list' | 'close'>
  /** Whether decisions may be made from the view. Otherwise the versions are read from the primary. */
  isFresh(): boolean
  /** The age of the view in milliseconds, for metrics; undefined while the view may not be used. */
  ageMs(): number | undefined
  /** This node as `nodes` lists it; undefined while it has no row there. */
  node(): OwnNode | undefined
  /** The database's time in milliseconds since 1970; undefined before the first contact. */
  databaseTime(): number | undefined
  /** @returns when the view is fresh for the first time, which need not be waited for */
  start(): Promise<void>
  /** To be called when no request is served any more. */
  stop(): Promise<void>
  /**
   * To be awaited by every verb that revokes, after its commit was answered, also where nothing was left to revoke.
   *
   * @param xid `pg_current_xact_id()` of the revoking transaction, or of a later one that saw what it did; without
   *   it, one is taken
   * @param own what the transaction appended to the log: this node applies it to its view at once
   * @returns milliseconds waited; the promise never rejects
   */
  barrier(xid?: string, own?: readonly Omit<Revocation, 'revokedAt'>[]): Promise<number>
}

/**
 * @param options.leaseMs how old the view may be for deciding from memory, 200 to 60,000 (ANNUL_LEASE_MS)
 * @param options.longestLeaseMs the longest lease that any node of the fleet may have; default 60,000
 * @param options.ackMs how long a verifier may take to acknowledge (ANNUL_FEED_ACK_MS); default 500
 * @param options.onError called with the reason why a connection was given up
 * @example
 * const revocation = createRevocation({ store: postgresStore(url), leaseMs: 2000 })
 * void revocation.start()
 */
export function createRevocation(options: {
  store: RevocationStore
  leaseMs: number
  longestLeaseMs?: number
  ackMs?: number
  clock?: Clock
  onError?: (error: unknown) => void
}): RevocationService {
  const {
    store,
    leaseMs,
    longestLeaseMs: longest = longestLeaseMs,
    ackMs = 500,
    clock = systemClock,
  } = options
  const view = new RevocationView()
  const picture = { ageMs: () => follower.ageMs(), databaseTime: () => follower.databaseTime() }
  const feed = new Feed({ view, clock, leaseMs, ackMs, picture })
  const follower = new Follower({ store, view, clock, leaseMs, gate: feed, onError: options.onError })
  const barrier = new Barrier(follower, clock, longest)
  return {
    view,
    feed,
    isFresh: () => follower.isFresh(),
    ageMs: () => follower.ageMs(),
    node: () => follower.membership && { id: follower.membership.node },
    databaseTime: () => follower.databaseTime(),
    start: () => follower.start(),
    stop: () => follower.stop(),
    barrier(xid, own = []) {
      // An entry's time decides when it is forgotten. While that is not known well, the next reading brings the row.
      const revokedAt = follower.databaseTime()
      if (follower.isFresh() && revokedAt !== undefined)
        view.apply(own.map(entry => ({ ...entry, revokedAt })))
      return barrier.wait(xid)
    },
  }
}
