import type { Revocation } from './view.ts'

/** What a node adds to Redis in one step. */
export interface MirrorBatch {
  readonly node: string
  readonly entries: readonly Revocation[]
  /** How many batches the node had written before. */
  readonly after: number
  /** How many it has written with this one. */
  readonly at: number
  /**
   * `next`: is written only if the node's batch before it is still there. `first`: begins a load, and is written
   * whatever is there. `distrust`: as `first`, and takes `fresh` away, because Redis's clock was put back.
   */
  readonly kind: 'first' | 'distrust' | 'next'
}

/** Says until when those who read Redis may believe what they find. */
export interface MirrorGrant {
  readonly node: string
  /** How many batches the node has written: all of them have to be there. */
  readonly at: number
  /** By Redis's clock, in milliseconds since 1970. */
  readonly until: number
  /** Database time, in milliseconds since 1970. */
  readonly time: number
}

/**
 * One connection to Redis, from its opening to its loss. It is never opened again silently, since the next answer might
 * come from a Redis that has lost something. Redis carries out the calls in their order. A call joins the queue at once,
 * and after a promise that failed the connection is to be closed.
 */
export interface MirrorConnection {
  /** Redis's clock, in milliseconds since 1970. */
  time(): Promise<number>
  /** @returns false: Redis has lost what the node had written before, and nothing was written */
  write(batch: MirrorBatch): Promise<boolean>
  /**
   * Lets `fresh` live longer, never shorter.
   *
   * @returns false: Redis has lost what the node had written, and `fresh` was not touched, or taken away
   */
  grant(grant: MirrorGrant): Promise<boolean>
  /** When `fresh` ends, by Redis's clock; undefined: there is no `fresh`. */
  freshUntil(): Promise<number | undefined>
  close(): void
}

/** Redis as mirror.ts sees it: the simulation puts a model in its place. */
export interface MirrorStore {
  /**
   * @param onLost called when an opened connection is lost, with the reason
   * @param signal gives the attempt up
   */
  connect(onLost: (error: unknown) => void, signal: AbortSignal): Promise<MirrorConnection>
}
