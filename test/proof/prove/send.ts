import { Agent, request } from 'node:http'
import type { ResponseError } from '../../support/client.ts'

/** An answer as it is recorded. The time is of this process's monotonic clock, in milliseconds. */
export interface Sent {
  readonly start: number
  readonly end: number
  /** `accepted`, the reason or else the code of the first error, or `CONNECTION`: nobody answered. */
  readonly verdict: string
  readonly data: Readonly<Record<string, unknown>> | null | undefined
  readonly revokedOnAllNodesMs: number | undefined
}

export interface Operation {
  readonly query: string
  readonly variables?: Record<string, unknown>
  readonly token?: string | undefined
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
/** Longer than any fault lasts. */
const patienceMs = 20_000

/** One request over HTTP, on connections that stay open: cheap enough for thousands a second. Never rejects. */
export async function send(url: string, { query, variables, token }: Operation): Promise<Sent> {
  const body = JSON.stringify({ query, variables })
  const start = performance.now()
  try {
    const text = await post(`${url}/graphql`, body, token)
    const end = performance.now()
    const { data, errors, extensions } = JSON.parse(text) as {
      data?: Record<string, unknown> | null
      errors?: ResponseError[]
      extensions?: { annul?: { revokedOnAllNodesMs?: number } }
    }
    const { reason, code } = errors?.[0]?.extensions ?? {}
    const verdict = errors === undefined ? 'accepted' : (reason ?? code ?? 'UNKNOWN')
    return { start, end, verdict, data, revokedOnAllNodesMs: extensions?.annul?.revokedOnAllNodesMs }
  } catch {
    const end = performance.now()
    return { start, end, verdict: 'CONNECTION', data: undefined, revokedOnAllNodesMs: undefined }
  }
}

function post(url: string, body: string, token: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
    const sent = request(url, { method: 'POST', agent, headers, timeout: patienceMs }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks).toString()))
      response.on('error', reject)
    })
    sent.on('timeout', () => sent.destroy())
    sent.on('error', reject)
    sent.end(body)
  })
}

/** A field that every live token may ask for, and that costs nothing but the decision. */
export const asksWho = '{ me { id } }'

/**
 * Neither accepted nor refused: during an outage an honest request may end like this. A node that was stopped for long
 * answers 408 to what came meanwhile, and has carried out nothing.
 */
export function isOutage(verdict: string): boolean {
  return verdict === 'UNAVAILABLE' || verdict === 'CONNECTION' || verdict === 'REQUEST_TIMEOUT'
}
