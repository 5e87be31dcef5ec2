import type { WatchParts } from '../decisions/tokenWatch.ts'
import type { Decider } from './decider.ts'

/** Where the decisions of a verifier come from: the feed of the auth nodes, or the mirror in Redis. */
export interface Source {
  /** Rejected where nothing will ever be decided, and by `close`. */
  readonly ready: Promise<void>
  readonly decider: Decider
  /** What a watch is told of revocations by. Where it is not fresh, `decider.reask` is asked. */
  readonly revocation: WatchParts['revocation']
  /** How often a watch asks, twice, in milliseconds. */
  readonly watchMs: number
  isFresh(): boolean
  close(): void
}

/** A promise that an app need not wait for, and its two ends. */
export function openReady(): { ready: Promise<void>; become(): void; fail(why: Error): void } {
  let become = () => {}
  let fail = (_why: Error) => {}
  const ready = new Promise<void>((resolve, reject) => {
    become = resolve
    fail = reject
  })
  ready.catch(() => {})
  return { ready, become, fail }
}
