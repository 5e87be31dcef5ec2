import type { Config } from '../options.ts'
import { locate } from '../platform/origin.ts'
import { abortable } from '../platform/time.ts'
import type { GraphQLResult, Sent, Session } from '../types.ts'
import type { Device } from './device.ts'
import { describe, errorsOf, isRefusal, passingError, readResults } from './operation.ts'
import { persist, retryAfter } from './send.ts'

type Fetch = typeof globalThis.fetch

/**
 * The replacement for `fetch`. Requests to other origins pass untouched. Requests to the endpoint's origin get the access
 * token. GraphQL answers from the endpoint itself are read, so that a request that was refused for its token is sent once
 * more. Streams pass unread, in both directions.
 */
export function createFetch(
  { headers, handleResult }: Pick<Session, 'headers' | 'handleResult'>,
  { endpoint, fetch, credentials, retryMs }: Config,
  device: Device,
): Fetch {
  const home = locate(endpoint)

  return async (input, init = {}) => {
    // Of a text or a URL, every part is undefined.
    const request: Partial<Request> = Object(input)
    const given = new Headers(init.headers ?? request.headers)
    const { origin, address } = locate(request.url ?? String(input))
    // Other origins never get the token, and a token that the app has set is not replaced.
    if (origin !== home.origin || given.has('authorization')) return fetch(input, init)

    const signal = init.signal ?? request.signal
    const isRead = /^(get|head)$/i.test(init.method ?? request.method ?? 'GET')
    const isJson = /json/.test(given.get('content-type') as string)
    const carrier = init.body == null && !isRead && request.url ? (input as Request) : undefined
    const body = carrier ? (isJson ? await carrier.clone().text() : carrier.body) : init.body
    const repeatable = !isStream(body)
    // The text of an upload or of a stream is no JSON, so that its kind can't be seen.
    let sent: Sent = { ...describe(isRead ? '{"query":""}' : String(body)), final: !repeatable }
    const atEndpoint = address === home.address

    for (let again = false; ; again = true) {
      const added = await abortable(headers(), signal)
      const work = async () => {
        const send = (known: Record<string, string>) => {
          const merged = new Headers({ ...known, ...Object.fromEntries(given), ...added })
          const target = carrier && repeatable ? carrier.clone() : input
          return fetch(target, { credentials, ...init, headers: merged })
        }
        // A code of a mail works only on the device that asked for the mail. No query asks for mails or checks codes.
        const response = await (atEndpoint ? device(sent.kind !== 'read', send) : send({}))
        // Complete JSON: no server-sent events, no multipart.
        const hasJson = atEndpoint && /[/+]json\b/.test(response.headers.get('content-type') as string)
        const json: unknown =
          hasJson &&
          (await response
            .clone()
            .json()
            .catch(() => {}))
        return [response, readResults(again ? 0 : response.status, json)] as const
      }
      // Only a query is tried again: after a lost answer nobody knows whether a mutation was carried out.
      const patienceMs = atEndpoint && sent.kind === 'read' && repeatable ? retryMs : 0
      const [response, results] = await persist(work, retryOf, patienceMs, signal)
      const isRefused = errorsOf(results).some(isRefusal)
      const repeat = atEndpoint && (await abortable(handleResult(results, added, sent), signal))
      if (!repeat || sent.final || (again && isRefused)) return response
      // Once more after a refresh, and once after a proof, which is the last time.
      sent = { ...sent, final: !isRefused }
    }
  }
}

/** Seconds to wait after a lost answer, or when the server is busy or away; undefined when the answer is final. */
function retryOf(answer: readonly [Response, readonly GraphQLResult[]] | undefined): number | undefined {
  if (!answer) return 0
  const [response, results] = answer
  const error = passingError(results)
  return error || [429, 503].includes(response.status) ? retryAfter(response, error) : undefined
}

/** Of the browser, or of Node. */
function isStream(body: unknown): boolean {
  return Object(body).getReader || Object(body)[Symbol.asyncIterator]
}
