import { platform } from './platform.ts'
import { within } from './time.ts'

/** Runs work after all earlier work of the same owner has settled, never two pieces of work at once. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>

/**
 * A tab may be frozen while it holds the lock, or wait for an answer for ever. Work without the lock is still safe,
 * because the attempts protect it.
 */
const patienceMs = 15_000

/**
 * The lock under which login, register, logout and refresh run, so that the cookies of one tab's answer do not overwrite
 * those of another's. In browsers it is a Web Lock, which all tabs of an origin share. Where there are no tabs (Node,
 * React Native), the sessions of one storage take turns. Waiters and the holder give the lock up after 15 s.
 *
 * @param name the same in all tabs that share a session
 * @param owner the storage
 */
export function createLock(name: string, owner: object): Lock {
  const turns = createQueue(owner, locks)
  return async work => {
    // Node 24 has Web Locks too. They are not used there: one process may serve many users, who must not wait for each
    // other.
    const webLocks = platform.indexedDB && platform.navigator?.locks
    if (!webLocks) return turns(work)

    let started: ReturnType<typeof work> | undefined
    try {
      await webLocks.request(name, { signal: AbortSignal.timeout(patienceMs) }, () => {
        started = work()
        return within(
          patienceMs,
          started.catch(() => {}),
        )
      })
    } catch {
      // The wait was too long, or locks are forbidden here (a sandboxed frame).
    }
    return started ?? work()
  }
}

const locks = new WeakMap<object, Promise<unknown>>()
const writes = new WeakMap<object, Promise<unknown>>()

/** Serialises steps on one storage that must not interleave, such as to read a value, compare it and write another. */
export function createQueue(owner: object, queues = writes): Lock {
  return work => {
    const before = queues.get(owner)
    const mine = before ? within(patienceMs, before).then(work) : work()
    queues.set(
      owner,
      mine.catch(() => {}),
    )
    return mine
  }
}
