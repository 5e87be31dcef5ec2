/** What stands between a subscription's events and the client. */
export interface Gate<Event> {
  /** The event as it is sent, or why no more is sent. Called right before the event leaves. */
  admit(event: Event): Admitted<Event> | Promise<Admitted<Event>>
  /** What the client is told of a source that broke. */
  broken(error: unknown): Event
  /** Calls `end` with the last event, when no more may be sent. @returns a function that ends the watch */
  watch(end: (last: Event) => void): () => void
}

export interface Admitted<Event> {
  readonly event: Event
  /** No event may follow. */
  readonly isLast: boolean
}

/**
 * The events of a subscription, until the gate ends them: also while no event is on its way. The client reads the reason
 * as the last event.
 *
 * Not an async generator: the `return` of a generator waits for the event that the generator waits for.
 */
export function gateEvents<Event>(
  events: AsyncIterable<Event>,
  { admit, broken, watch }: Gate<Event>,
): AsyncIterableIterator<Event> {
  const source = events[Symbol.asyncIterator]()
  let ended = false
  let last: { readonly event: Event } | undefined
  let wake = () => {}

  const end = (told?: { readonly event: Event }) => {
    if (ended) return
    ended = true
    last = told
    unwatch()
    // Not awaited: a source may answer only after its next event.
    Promise.resolve(source.return?.()).catch(() => {})
    wake()
  }
  const unwatch = watch(event => end({ event }))

  /** The last event once, and then the end. */
  const conclude = (): IteratorResult<Event> => {
    const told = last
    last = undefined
    return told ? { done: false, value: told.event } : { done: true, value: undefined }
  }

  /** The next event; undefined when the events have ended. */
  const take = async (): Promise<IteratorYieldResult<Event> | undefined> => {
    try {
      const result = await source.next()
      if (result.done) end()
      if (result.done || ended) return undefined
      const made = admit(result.value)
      const { event, isLast } = made instanceof Promise ? await made : made
      if (isLast) end({ event })
      return ended ? undefined : { done: false, value: event }
    } catch (error) {
      if (!ended) end({ event: broken(error) })
      return undefined
    }
  }

  const iterator: AsyncIterableIterator<Event> = {
    async next() {
      if (ended) return conclude()
      const ending = new Promise<undefined>(resolve => {
        wake = () => resolve(undefined)
      })
      return (await Promise.race([take(), ending])) ?? conclude()
    },
    async return() {
      end()
      last = undefined
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}
