import { DeadlineError, outageOf } from './outage.ts'

/**
 * A connection that broke while it was idle says nothing about the database: a read is retried once, on another.
 *
 * @param read changes nothing
 * @throws what the second try throws; an error that is no broken connection at once
 */
export async function readTwice<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const outage = outageOf(error)
    if (!outage || outage.cause instanceof DeadlineError) throw error
    // Not at once: between the error and the end of a broken connection the client would use it, without an answer.
    await new Promise(setImmediate)
    return read()
  }
}
