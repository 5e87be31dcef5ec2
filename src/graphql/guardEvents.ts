/**
 * Asks for leave before each event of a subscription is passed on. A refusal ends the events: after it the consumer
 * hears the error once and then nothing, so that nobody learns from a stream of refusals when something happens.
 *
 * Not an async generator: the `return` of a generator waits for the event that the generator waits for, which may never
 * come. Here `return` answers at once, and whoever waits for an event hears that there is none.
 *
 * @param admit throws, or rejects, when the next event may not be passed on
 */
export function guardEvents<Event>(
  events: AsyncIterable<Event>,
  admit: () => void | Promise<void>,
): AsyncIterableIterator<Event> {
  const source = events[Symbol.asyncIterator]()
  const waiting = new Set<() => void>()
  const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
  let ended = false

  const end = () => {
    if (ended) return
    ended = true
    // Not awaited: a source that is a generator answers only after its next event.
    Promise.resolve(source.return?.()).catch(() => {})
    for (const stop of waiting) stop()
    waiting.clear()
  }

  const take = async (): Promise<IteratorResult<Event>> => {
    const result = await source.next()
    if (result.done || ended) return ended ? done : result
    await admit()
    return ended ? done : result
  }

  const iterator: AsyncIterableIterator<Event> = {
    next: () =>
      new Promise((resolve, reject) => {
        if (ended) return resolve(done)
        const stop = () => resolve(done)
        waiting.add(stop)
        take()
          .then(resolve, error => {
            reject(error)
            end()
          })
          .finally(() => waiting.delete(stop))
      }),
    async return() {
      end()
      return done
    },
    async throw(error) {
      end()
      throw error
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}
