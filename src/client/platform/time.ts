/**
 * Waits for a promise, but no longer than that: then it is undefined. The timer is taken down with it, because a
 * forgotten one keeps Node alive.
 *
 * @param ms milliseconds
 */
export function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, undefined)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/**
 * Waits for a promise that others wait for too, until the caller of `fetch` loses interest.
 *
 * @throws the signal's reason, as `fetch` does
 */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/**
 * Waits.
 *
 * @param ms milliseconds
 * @param signal ends the wait early, without an error
 */
export function sleep(ms: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      // One signal outlives many pauses, and would keep a listener for each.
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
  })
}

/**
 * How long to wait before the next try: what the server asks for, or a quarter second that doubles up to eight, and in
 * both cases up to as much again at random, so that the clients of a server that comes back do not all come at once.
 *
 * @param tries how many failed before, from 0
 * @param retryAfter seconds, as the server says it
 * @returns milliseconds
 */
export function backoff(tries: number, retryAfter = 0): number {
  const base = Math.min(8000, 250 * 2 ** tries)
  return Math.max(retryAfter * 1000, base / 2) + (Math.random() * base) / 2
}
