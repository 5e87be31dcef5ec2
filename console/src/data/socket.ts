import { type Client, createClient } from 'graphql-ws'
import { session } from '../session.ts'
import { endpoint, settings } from '../settings.ts'
import { lookIfStillThere } from './stillThere.ts'
import { noteRefusal } from './tokenLog.ts'

/** Before a subscription that has ended is begun again, and the longest pause after repeated failures. */
const pauseMs = 500
const longestPauseMs = 8000

/** Codes of a socket's close: nobody subscribes any more, and the token is refused. */
const normal = 1000
const unauthorized = 4401

let client: Client | undefined
/** Whose token the socket was opened with. */
let owner: string | undefined
/** The headers that the socket was opened with. The session knows their token by the object itself. */
let presented: Record<string, string> = {}
/** What follows a refusal of a token, for all subscriptions that ended with that token. */
let renewal: { readonly presented: object; readonly done: Promise<unknown> } | undefined

/**
 * The page's only socket: opened with the first subscription, closed after the last one, and never another person's. The
 * library asks for the token once, when it connects, and would reuse an open connection.
 */
export function socket(): Client {
  if (owner !== session.user?.id) {
    void client?.dispose()
    client = undefined
    owner = session.user?.id
  }
  client ??= createClient({
    url: endpoint.href.replace(/^http/, 'ws'),
    connectionParams: async () => {
      presented = await session.headers()
      return presented
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    // The pauses of the library double without a bound: after an outage of minutes, events would be missing for minutes.
    retryWait: retries => wait(pauseOf(retries)),
    // After an end of the session nobody is signed in, and whoever subscribes has gone.
    shouldRetry: () => session.user !== null,
    // Proxies close connections on which nothing happens.
    keepAlive: 20_000,
    on: {
      closed(event) {
        // The socket may be the first to know of an outage, on a page that asks nothing.
        const isExpected = [normal, unauthorized].includes((event as CloseEvent).code)
        if (!isExpected && session.user !== null) void lookIfStillThere()
      },
    },
  })
  return client
}

/**
 * Calls `onEvent` with the data of each event. A subscription ends with its access token, and goes on with the next one.
 *
 * @param onGap called when the subscription goes on after an interruption: events may be missing
 * @returns a function that ends the subscription
 */
export function follow<Data>(
  query: string,
  onEvent: (data: Data) => void,
  onGap: () => void = () => {},
): () => void {
  let isOver = !settings.subscriptions
  let failures = 0
  let stop = () => {}
  const start = () => {
    if (isOver || session.user === null) return
    stop = socket().subscribe<Data>(
      { query },
      {
        next({ data }) {
          failures = 0
          if (data) onEvent(data)
        },
        error: again,
        complete: again,
      },
    )
  }
  const again = async (error?: unknown) => {
    if (isOver) return
    // Tells the reason to the session, too: it asks the server, which knows why a session has ended.
    const refusal = refusalIn(error)
    if (refusal) await renewAfter(refusal.reason)
    await wait(pauseOf(failures++))
    start()
  }
  // A socket that is open again carries the subscriptions of before.
  const unlisten = isOver
    ? () => {}
    : socket().on('connected', (_socket, _payload, wasRetry) => {
        if (wasRetry || failures > 0) onGap()
      })
  start()
  return () => {
    isOver = true
    unlisten()
    stop()
  }
}

/**
 * The server has refused the socket's token. The session asks for a new one, once for all subscriptions that ended with the
 * token, and learns why where there is none.
 */
export function renewAfter(reason: string | undefined): Promise<unknown> {
  if (renewal?.presented !== presented) {
    noteRefusal(reason)
    const refused = { errors: [{ message: '', extensions: { code: 'UNAUTHENTICATED', reason } }] }
    renewal = { presented, done: session.handleResult(refused, presented, { kind: 'read', fields: '' }) }
  }
  return renewal.done
}

/** Why the access token was refused: by an error of the subscription, or by the code of the socket's close. */
function refusalIn(error: unknown): { readonly reason?: string } | undefined {
  for (const one of [error].flat().map(Object)) {
    if (one.code === unauthorized) return one
    if (one.extensions?.code === 'UNAUTHENTICATED') return one.extensions
  }
  return undefined
}

function pauseOf(failures: number): number {
  return Math.min(pauseMs * 2 ** failures, longestPauseMs)
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
