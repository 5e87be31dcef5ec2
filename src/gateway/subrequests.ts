import { type AuthError, unavailable } from '../errors.ts'
import type { Destination } from './forwardHeaders.ts'
import type { GatewayOptions } from './options.ts'
import { type Passage, passageOf } from './passage.ts'
import { asAbortSignal, eitherOf } from './signals.ts'
import { refusalBy } from './verifier.ts'

/** Says where a subrequest goes, and numbers it, on its way from `headers` to `fetch`. It is never sent. */
const mark = 'annul-subrequest'

/** @internal The destination whose `headers` a subrequest has. */
export function destinationOf(headers: Headers): string | undefined {
  return headers.get(mark)?.split(' ')[0]
}

/**
 * How an executor sends the subrequests of one destination. All three are given to it together.
 *
 * @example
 * buildHTTPExecutor({ endpoint: 'http://auth:4000/graphql', ...gateway.toAnnul })
 */
export interface Subrequests {
  /** Two clients' subrequests, or two of one client, must not share an answer: the second began after a kill. */
  readonly deduplicateInflightRequests: false
  /** The headers of a subrequest. @throws TypeError for a context that the gateway has not made */
  headers(subrequest?: { readonly context?: unknown }): Record<string, string>
  /**
   * Sends a subrequest. Answers what is in GraphQL's words with 200, because gateways read no errors from an answer with
   * another status. What is not becomes UNAVAILABLE.
   *
   * @throws the signal's reason when the client has gone; TypeError without the headers of `headers`
   */
  fetch(url: string, init: RequestInit | undefined, context: unknown): Promise<Response>
}

/** @internal */
export function openSubrequests(to: Destination, options: GatewayOptions): Subrequests {
  const { verifier, log } = options
  let count = 0

  const send = async (url: string, init: RequestInit, passage: Passage): Promise<Response> => {
    try {
      // A redirection would take the tokens to another place.
      const response = await (options.fetch ?? fetch)(url, { ...init, redirect: 'error' })
      if (to === 'annul') passage.giveBack(response.headers)
      return await readable(response, to, passage)
    } catch (error) {
      if (init.signal?.aborted) throw error
      // The cause names hosts and ports, which are for the log.
      log?.warn({ err: error, url }, 'A service could not be asked.')
      return answerOf(unavailable())
    }
  }

  return {
    deduplicateInflightRequests: false,
    headers: ({ context } = {}) => ({ ...passageOf(context).headersTo(to), [mark]: `${to} ${++count}` }),
    async fetch(url, init = {}, context) {
      const passage = passageOf(context)
      const headers = new Headers(init.headers)
      // An executor that knows only this function would take subrequests of two clients for one and the same.
      if (destinationOf(headers) !== to)
        throw new TypeError('Give an executor all of the gateway: { endpoint, ...gateway.toAnnul }.')
      headers.delete(mark)
      const refused = to === 'annul' ? undefined : await refusalBy(verifier, passage)
      if (refused) return answerOf(refused)
      const signal = eitherOf(asAbortSignal(init.signal), passage.signal)
      return send(url, { ...init, headers, ...(signal && { signal }) }, passage)
    },
  }
}

/** The answer as an executor reads it. @throws Error for what is no answer of GraphQL's */
async function readable(response: Response, to: Destination, passage: Passage): Promise<Response> {
  const type = response.headers.get('content-type') ?? ''
  const isJson = /^application\/(graphql-response\+)?json\b/i.test(type)
  // Events, and answers in parts, are read while they come.
  if (response.ok && (!isJson || to === 'service')) {
    if (isJson || /^(text\/event-stream|multipart\/mixed)\b/i.test(type)) return response
  }
  if (!isJson) {
    await response.body?.cancel()
    throw new Error(`The answer has the status ${response.status} and the type "${type}".`)
  }
  const text = await response.text()
  // Usually there is none, and the text need not be parsed twice.
  if (!response.ok || text.includes('"annul"')) readExtension(text, passage, to)
  return new Response(text, { headers: { 'content-type': 'application/json' } })
}

function readExtension(text: string, passage: Passage, to: Destination): void {
  const { data, errors, extensions } = Object(JSON.parse(text))
  if (data === undefined && !Array.isArray(errors)) throw new Error('The answer is none of GraphQL’s.')
  const annul: unknown = to === 'annul' ? Object(extensions).annul : undefined
  if (typeof annul === 'object' && annul !== null) passage.keepExtension({ ...annul })
}

function answerOf({ message, extensions }: AuthError): Response {
  return Response.json({ data: null, errors: [{ message, extensions }] })
}
