import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { listenWith } from './contract/listenWith.ts'

/** What a runtime knows of a request beside the `Request`. */
export interface Connection {
  readonly address: string | undefined
}

/** Lets a Fetch handler listen, as the runtimes of Fetch handlers do, with the `Request` and `Response` of Node. */
export function serveFetch(
  handler: (request: Request, connection: Connection) => Response | Promise<Response>,
): ReturnType<typeof listenWith> {
  return listenWith(async (incoming, outgoing) => {
    const gone = new AbortController()
    outgoing.once('close', () => gone.abort())
    const response = await handler(requestOf(incoming, gone.signal), {
      address: incoming.socket.remoteAddress,
    })
    await send(response, outgoing)
  })
}

function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value))
  const body = incoming.method === 'GET' || incoming.method === 'HEAD' ? undefined : incoming
  return new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method: String(incoming.method),
    headers,
    signal,
    ...(body && { body: Readable.toWeb(body) as unknown as BodyInit, duplex: 'half' }),
  })
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value)
  outgoing.writeHead(response.status)
  if (response.body === null) outgoing.end()
  // A client that has gone cancels the body.
  else await pipeline(Readable.fromWeb(response.body as ReadableStream), outgoing).catch(() => {})
}
