import { Agent, request } from 'node:http'
import type { Operation } from '../prove/send.ts'

/** An answer over HTTP. Status 0: there was none. */
export interface Asked {
  readonly status: number
  readonly text: string
  readonly retryAfter: string | undefined
  readonly ms: number
}

export type Kind = 'register' | 'query' | 'refresh' | 'login' | 'revoke' | 'check'

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
const patienceMs = 30_000

/** One request on a connection that stays open. Never rejects: what went wrong is the text. Nodes tell their times by kind. */
export function ask(url: string, kind: Kind, { query, variables, token }: Operation): Promise<Asked> {
  const body = JSON.stringify({ query, variables })
  const start = performance.now()
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'load-kind': kind,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  return new Promise(resolve => {
    const failed = (error: Error) =>
      resolve({ status: 0, text: String(error), retryAfter: undefined, ms: performance.now() - start })
    const sent = request(
      `${url}/graphql`,
      { method: 'POST', agent, headers, timeout: patienceMs },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', failed)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            retryAfter: response.headers['retry-after'],
            ms: performance.now() - start,
          }),
        )
      },
    )
    sent.on('timeout', () => sent.destroy(new Error('No answer in time.')))
    sent.on('error', failed)
    sent.end(body)
  })
}

/** Whether the server said that it has too much to do. */
export function isShed({ status }: Asked): boolean {
  return status === 503 || status === 429
}
