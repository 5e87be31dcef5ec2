/**
 * Waits for a promise for a limited time. The timer is cleared when the promise settles, because a running timer keeps
 * Node alive.
 *
 * @param ms milliseconds
 * @returns the promise's value; undefined when the time is over
 */
export function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, undefined)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/**
 * Waits for a promise that has other waiters too, until the signal of one caller aborts.
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
 * Pauses.
 *
 * @param ms milliseconds
 * @param signal ends the wait early, without an error
 */
export function sleep(ms: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      // A signal outlives many pauses, and would collect a listener for each.
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
  })
}

/**
 * How long to wait before the next try. The base is 250 ms, doubled after each failure, at most 8 s. The wait is half of
 * the base, or what the server asks for if that is longer, plus a random part (jitter) of up to the other half, so that
 * the clients of a server that comes back do not all send at the same moment.
 *
 * @param tries how many failed before, from 0
 * @param retryAfter seconds, as the server says it
 * @returns milliseconds
 */
export function backoff(tries: number, retryAfter = 0): number {
  const base = Math.min(8000, 250 * 2 ** tries)
  return Math.max(retryAfter * 1000, base / 2) + (Math.random() * base) / 2
}
