import { type Client, createClient } from 'graphql-ws'
import { session } from '../session.ts'
import { endpoint, settings } from '../settings.ts'

/** Before a subscription that has ended is begun again. */
const pauseMs = 500

let client: Client | undefined

/** The page's only socket: opened with the first subscription, closed after the last one. */
export function socket(): Client {
  client ??= createClient({
    url: endpoint.href.replace(/^http/, 'ws'),
    connectionParams: async () => ({ ...(await session.headers()) }),
    retryAttempts: Number.POSITIVE_INFINITY,
    // After an end of the session nobody is signed in, and whoever subscribes has gone.
    shouldRetry: () => session.user !== null,
  })
  return client
}

/**
 * Calls `onEvent` with the data of each event. A subscription ends with its access token, and goes on with the next one.
 *
 * @returns a function that ends the subscription
 */
export function follow<Data>(query: string, onEvent: (data: Data) => void): () => void {
  let isOver = !settings.subscriptions
  let stop = () => {}
  const start = () => {
    if (isOver || session.user === null) return
    stop = socket().subscribe<Data>(
      { query },
      { next: ({ data }) => data && onEvent(data), error: again, complete: again },
    )
  }
  const again = async () => {
    if (isOver) return
    // Tells the reason to the session, too: it asks the server, which knows why a session has ended.
    await session.refresh().catch(() => {})
    setTimeout(start, pauseMs)
  }
  start()
  return () => {
    isOver = true
    stop()
  }
}
