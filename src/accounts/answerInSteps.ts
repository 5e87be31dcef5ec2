import { setTimeout as delay } from 'node:timers/promises'

/** Longer than the work takes on a server that is not overloaded, its mail included. */
const stepMs = 50
/** A timer counts whole milliseconds, so that its end tells a part of one. A random wait beside it hides that part. */
const randomMs = 5

/**
 * Runs work whose time must not tell whether an account exists, and answers at a multiple of 50 ms after its start. Work
 * for an account and for nobody runs the same statements. Yet rows of an account are locked and referred to, which takes
 * some tenths of a millisecond, and a few hundred answers would show them.
 *
 * @throws what `work` throws, at the same times
 */
export async function answerInSteps<T>(work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  try {
    return await work()
  } finally {
    const taken = performance.now() - startedAt
    await delay(stepMs - (taken % stepMs) + Math.random() * randomMs)
  }
}
