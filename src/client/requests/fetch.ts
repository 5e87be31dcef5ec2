import type { Config } from '../options.ts'
import { locate } from '../platform/origin.ts'
import { abortable } from '../platform/time.ts'
import type { GraphQLResult, Sent, Session } from '../types.ts'
import type { DeviceToken } from './device.ts'
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
  device: DeviceToken | undefined,
): Fetch {
  const home = locate(endpoint)
  const deviceHeaders = async () => (await device?.headers()) ?? {}

  return async (input, init = {}) => {
    const request = 'url' in Object(input) ? (input as Request) : undefined
    const url = request ? request.url : String(input)
    const given = new Headers(init.headers ?? request?.headers)
    const { origin, address } = locate(url)
    // Other origins never get the token, and a token that the app has set is not replaced.
    if (origin !== home.origin || given.has('authorization')) return fetch(input, init)

    const signal = init.signal ?? request?.signal
    const isRead = /^(get|head)$/i.test(init.method ?? request?.method ?? 'GET')
    const isJson = /json/.test(given.get('content-type') ?? '')
    const carrier = init.body == null && !isRead ? request : undefined
    const body = carrier ? (isJson ? await carrier.clone().text() : carrier.body) : init.body
    const repeatable = !isStream(body)
    let sent: Sent = {
      ...(isRead ? { kind: 'read', fields: '' } : describe(typeof body === 'string' ? body : '')),
      final: !repeatable,
    }
    const atEndpoint = address === home.address
    // A code of a mail works only on the device that asked for the mail. No query asks for mails or checks codes.
    const known = atEndpoint && sent.kind !== 'read' ? await abortable(deviceHeaders(), signal) : {}

    for (let again = false; ; again = true) {
      const added = await abortable(headers(), signal)
      const work = async () => {
        const merged = new Headers({ ...known, ...Object.fromEntries(given), ...added })
        const target = carrier && repeatable ? carrier.clone() : input
        const response = await fetch(target, { credentials, ...init, headers: merged })
        if (atEndpoint) await device?.keep(response)
        const hasJson = atEndpoint && jsonType.test(response.headers.get('content-type') ?? '')
        const json: unknown =
          hasJson &&
          (await response
            .clone()
            .json()
            .catch(() => {}))
        return { response, results: readResults(again ? 0 : response.status, json) }
      }
      // Only a query is tried again: after a lost answer nobody knows whether a mutation was carried out.
      const isPatient = atEndpoint && sent.kind === 'read' && repeatable
      const { response, results } = await persist(work, retryOf, isPatient ? retryMs : 0, signal)
      const repeat = atEndpoint && (await abortable(handleResult(results, added, sent), signal))
      const isRefused = errorsOf(results).some(isRefusal)
      if (!repeat || sent.final || (again && isRefused)) return response
      // Once more after a refresh, and once after a proof, which is the last time.
      sent = { ...sent, final: !isRefused }
    }
  }
}

/** Seconds to wait after a lost answer, or when the server is busy or away; undefined when the answer is final. */
function retryOf(
  answer: { response: Response; results: readonly GraphQLResult[] } | undefined,
): number | undefined {
  if (!answer) return 0
  const { response, results } = answer
  const error = passingError(results)
  return error || /429|503/.test(String(response.status)) ? retryAfter(response, error) : undefined
}

/** Answers that are complete JSON: no server-sent events, no multipart. */
const jsonType = /^application\/(graphql-response\+)?json\b/

function isStream(body: unknown): boolean {
  const stream = Object(body)
  return 'getReader' in stream || Symbol.asyncIterator in stream
}
