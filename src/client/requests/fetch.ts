import type { Config } from '../options.ts'
import { locate } from '../platform/origin.ts'
import { abortable } from '../platform/time.ts'
import type { Sent, Session } from '../types.ts'
import { describe } from './operation.ts'
import { persist, retryAfter } from './send.ts'

type Fetch = typeof globalThis.fetch

/**
 * The drop-in for `fetch`. It knows three kinds of request: those to elsewhere pass untouched; those to the endpoint's
 * origin get the access token; and of GraphQL answers from the endpoint itself it reads the errors, so that a request
 * refused for its token is sent once more. Streams, in either direction, pass unread.
 */
export function createFetch(
  { headers, handleResult }: Pick<Session, 'headers' | 'handleResult'>,
  { endpoint, fetch, cookies, retryMs }: Config,
): Fetch {
  const home = locate(endpoint)

  return async (input, init = {}) => {
    const request = typeof input === 'object' && 'url' in input ? input : undefined
    const url = request ? request.url : String(input)
    const given = new Headers(init.headers ?? request?.headers)
    const { origin, address } = locate(url)
    // To another origin, never; and an app that sends a token of its own means it.
    if (origin !== home.origin || given.has('authorization')) return fetch(input, init)

    const signal = init.signal ?? request?.signal
    const isRead = /^(get|head)$/i.test(init.method ?? request?.method ?? 'GET')
    const isJson = /json/.test(given.get('content-type') ?? '')
    const carrier = init.body == null && !isRead ? request : undefined
    const body = carrier ? (isJson ? await carrier.clone().text() : carrier.body) : init.body
    const repeatable = !isStream(body)
    const sent: Sent = isRead ? { kind: 'read', fields: '' } : describe(typeof body === 'string' ? body : '')
    const atEndpoint = address === home.address

    for (let again = false; ; again = true) {
      const added = await abortable(headers(), signal)
      const work = () => {
        const merged = new Headers(given)
        for (const [name, value] of Object.entries(added)) merged.set(name, value)
        const target = carrier && repeatable ? carrier.clone() : input
        return fetch(target, { ...cookies, ...init, headers: merged })
      }
      // Again only what surely is a query: whether a mutation was carried out, a lost answer does not tell.
      const isPatient = atEndpoint && sent.kind === 'read' && repeatable
      const response = await persist(work, retryOf, isPatient ? retryMs : 0, signal)
      if (!atEndpoint || !jsonType.test(response.headers.get('content-type') ?? '')) return response

      const result: unknown = await response
        .clone()
        .json()
        .catch(() => {})
      if (!result || typeof result !== 'object') return response
      const repeat = await abortable(handleResult(result, added, sent), signal)
      if (!repeat || again || !repeatable) return response
    }
  }
}

/** A lost answer, or a server that is busy or away. */
function retryOf(response: Response | undefined): number | undefined {
  if (!response) return 0
  return response.status === 429 || response.status === 503 ? retryAfter(response) : undefined
}

/** Answers that end: no server-sent events, no multipart. */
const jsonType = /^application\/(graphql-response\+)?json\b/

function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body)
}
