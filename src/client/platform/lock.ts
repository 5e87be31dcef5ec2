import { platform } from './platform.ts'
import { within } from './time.ts'

/** Runs work when all earlier work of the same owner is done; never two at once. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>

/** A tab may be frozen while it holds a lock, and an answer may never come. Attempts keep even the unlocked safe. */
const patienceMs = 15_000

/**
 * The lock under which login, register, logout and refresh run: a Web Lock, which all tabs of an origin share, so that
 * one tab's cookies are not overtaken by another's. Where there are no tabs (Node, React Native) the sessions of one
 * storage take turns. Given up after 15 s, by those who wait and by whoever holds it.
 *
 * @param name the same in all tabs that share a session
 * @param owner the storage
 */
export function createLock(name: string, owner: object): Lock {
  const turns = createQueue(owner, locks)
  return async work => {
    // Node 24 has Web Locks too, but there one process may act for many users, who must not wait for each other.
    const webLocks = platform.indexedDB && platform.navigator?.locks
    if (!webLocks) return turns(work)

    let started: ReturnType<typeof work> | undefined
    try {
      await webLocks.request(name, { signal: AbortSignal.timeout(patienceMs) }, () => {
        started = work()
        return within(patienceMs, settled(started))
      })
    } catch {
      // We waited for too long, or may not use locks here (a sandboxed frame).
    }
    return started ?? work()
  }
}

const locks = new WeakMap<object, Promise<unknown>>()
const writes = new WeakMap<object, Promise<unknown>>()

/** A turn for each storage: for what must not be torn apart, such as to read a value, compare it and write another. */
export function createQueue(owner: object, queues = writes): Lock {
  return work => {
    const before = queues.get(owner)
    const mine = before ? within(patienceMs, before).then(work) : work()
    queues.set(owner, settled(mine))
    return mine
  }
}

const settled = (promise: Promise<unknown>) => promise.catch(() => {})
