import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from './random.ts'

/** What the network does to requests on their way. */
export interface Weather {
  /** Requests that never arrive. */
  readonly lostRequests: number
  /** Answers that never arrive: what was asked has been done, and nobody knows. */
  readonly lostResponses: number
  /** The longest delay of each way in milliseconds; later ones overtake. */
  readonly delayMs: number
}

export interface LossyProxy {
  readonly url: string
  /** How many answers were lost on purpose. */
  readonly lost: number
  readonly forwarded: number
  close(): Promise<void>
}

/** A proxy before several nodes that drops, delays and reorders. */
export async function startLossyProxy(
  targets: () => readonly string[],
  weather: Weather,
  random: Random,
): Promise<LossyProxy> {
  let lost = 0
  let forwarded = 0
  const wait = () => new Promise(resolve => setTimeout(resolve, random.next() * weather.delayMs))

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await request.toArray())
    const nodes = targets()
    const target = nodes[random.below(nodes.length)]
    const losesRequest = random.chance(weather.lostRequests)
    const losesResponse = random.chance(weather.lostResponses)
    await wait()
    if (losesRequest || target === undefined) return response.destroy()
    const { host: _, connection: __, ...headers } = request.headers as Record<string, string>
    const upstream = await fetch(target + request.url, { method: request.method ?? 'POST', headers, body })
    const text = await upstream.text()
    forwarded++
    await wait()
    if (losesResponse) {
      lost++
      return response.destroy()
    }
    response.writeHead(upstream.status, {
      'content-type': upstream.headers.get('content-type') ?? 'text/plain',
    })
    return response.end(text)
  }

  // A node that was killed under a request looks to the client like a lost answer.
  const server = createServer(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost
    },
    get forwarded() {
      return forwarded
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
