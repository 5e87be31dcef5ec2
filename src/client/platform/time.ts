/**
 * Waits for a promise for a limited time. The timer is cleared when the promise settles, because a running timer keeps
 * Node alive.
 *
 * @param ms milliseconds
 * @returns the promise's value; undefined when the time is over
 */
export function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/**
 * Calls the listener when the signal aborts, or at once if it has.
 *
 * @returns a function that ends this: a signal outlives many requests, and would collect a listener for each
 */
export function onAbort(signal: AbortSignal | null | undefined, listener: () => void): () => void {
  if (signal?.aborted) listener()
  signal?.addEventListener('abort', listener)
  return () => signal?.removeEventListener('abort', listener)
}

/**
 * Waits for a promise that has other waiters too, until the signal of one caller aborts.
 *
 * @throws the signal's reason, as `fetch` does
 */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject).finally(onAbort(signal, () => reject(signal?.reason)))
  })
}

/**
 * Pauses.
 *
 * @param ms milliseconds
 * @param signal ends the wait early, without an error
 */
export function sleep(ms: number, signal?: AbortSignal | null): Promise<void> {
  let ignore = () => {}
  const aborted = new Promise<void>(resolve => {
    ignore = onAbort(signal, resolve)
  })
  return within(ms, aborted).finally(ignore)
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
