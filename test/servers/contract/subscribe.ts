import type { ResponseError } from '../../support/client.ts'
import { openSocket } from '../../support/socket.ts'

/** What the server tells of a subscription. */
export interface Subscription {
  /** The data of each event. */
  readonly events: unknown[]
  /** Code and reason of the first error, or of the end of the connection. */
  readonly refused: Promise<{ code?: string; reason?: string }>
  close(): void
}

/** Subscribes as a client of the server does. @param url the origin of the server */
export type Subscribe = (url: string, query: string, token?: string) => Promise<Subscription>

interface Result {
  readonly data?: unknown
  readonly errors?: readonly ResponseError[]
}

/** By graphql-ws, on /graphql. */
export const bySocket: Subscribe = async (url, query, token) => {
  const raw = await openSocket(url, token === undefined ? {} : { accessToken: token })
  const { events, refused, take, refuse } = collect()
  raw.socket.on('message', text => {
    const { type, payload } = JSON.parse(String(text))
    if (type === 'next') take(payload)
    if (type === 'error') take({ errors: payload })
  })
  void raw.closed.then(({ reason }) => refuse({ reason }))
  raw.subscribe('1', query)
  return { events, refused, close: () => raw.socket.terminate() }
}

/** By server-sent events: GraphQL over SSE, distinct connections mode. */
export const byEvents: Subscribe = async (url, query, token) => {
  const { events, refused, take, refuse } = collect()
  const abort = new AbortController()
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query }),
    signal: abort.signal,
  })
  const read = async () => {
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      const messages = text.split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) {
        const data = /^data: (\{.*)$/m.exec(message)?.[1]
        if (data !== undefined) take(JSON.parse(data))
      }
    }
    refuse({ reason: 'the end' })
  }
  read().catch(error => refuse({ reason: String(error) }))
  return { events, refused, close: () => abort.abort() }
}

function collect() {
  const events: unknown[] = []
  let refuse: (error: { code?: string; reason?: string }) => void = () => {}
  const refused = new Promise<{ code?: string; reason?: string }>(resolve => {
    refuse = resolve
  })
  const take = ({ data, errors }: Result) => {
    if (errors?.[0]) refuse(errors[0].extensions)
    else events.push(data)
  }
  return { events, refused, take, refuse }
}
