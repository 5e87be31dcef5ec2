import {
  type FetchRequest,
  fromFetch,
  type HeaderList,
  type ReplyLike,
  type RequestLike,
  type ResponseLike,
} from './message.ts'

/** One request, in whichever way a server has handed it over. */
export interface HandedOver {
  readonly request: RequestLike
  readonly response: ResponseLike
  /** The headers that a Fetch handler adds to its response. Undefined: they are set on the response. */
  readonly headers: HeaderList | undefined
}

/**
 * Reads what a server hands over of a request: `{ req, res }`, (request, response), Fastify's (request, reply), or a
 * Fetch `Request` with what is known of its connection.
 *
 * @param of whose arguments these are, for the message
 * @throws TypeError for anything else
 */
export function readHandedOver(of: string, first: unknown, second: unknown): HandedOver {
  const { req, res } = Object(first)
  if (isRequest(req) && isResponse(res))
    return { request: req, response: responseOf(res), headers: undefined }
  if (isRequest(first) && isResponse(second))
    return { request: first, response: responseOf(second), headers: undefined }
  if (isFetchRequest(first)) {
    const headers: HeaderList = []
    const response = { appendHeader: (name: string, value: string) => headers.push([name, value]) }
    return { request: fromFetch(first, connectionOf(second)), response, headers }
  }
  throw new TypeError(
    `${of} takes { req, res }, (request, response), (request, reply), or a Request of the Fetch API.`,
  )
}

function isRequest(value: unknown): value is RequestLike {
  return typeof value === 'object' && value !== null && 'headers' in value && !isFetchRequest(value)
}

function isFetchRequest(value: unknown): value is FetchRequest {
  return typeof Object(value).headers?.forEach === 'function' && typeof Object(value).url === 'string'
}

function isResponse(value: unknown): value is ResponseLike | ReplyLike {
  return typeof Object(value).appendHeader === 'function' || typeof Object(value).header === 'function'
}

/** What cookies are set on. */
export function responseOf(response: ResponseLike | ReplyLike): ResponseLike {
  if ('appendHeader' in response) return response
  // Fastify's `header` adds a further `set-cookie` to those that are set.
  return { appendHeader: (name, value) => response.header(name, value) }
}

function connectionOf(value: unknown): { readonly address?: string } {
  const { address } = Object(value)
  return typeof address === 'string' ? { address } : {}
}

/** Whether the `req` beside a Fetch `Request` is Node's. Hono's context has a `req` too, which is not. */
export function isNodeRequest(value: unknown): value is RequestLike {
  const { headers, socket } = Object(value)
  return typeof headers === 'object' && headers !== null && !('forEach' in headers) && Boolean(socket)
}
