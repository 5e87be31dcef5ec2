import { AuthContext, type GraphQLContext, RequestState, type Services } from './context.ts'
import {
  type FetchConnection,
  type FetchRequest,
  fromFetch,
  type HeaderList,
  type ReplyLike,
  type RequestLike,
  type ResponseLike,
} from './message.ts'

/** The context of a request to a Fetch handler. */
export interface FetchContext extends GraphQLContext {
  /** To be added to the response when the operation has been carried out: the cookies that it has set. */
  readonly headers: HeaderList
}

/**
 * Makes the context of one request, from what the server hands over. Costs no query. Cookies are set on the response.
 *
 * @throws TypeError (the promise is rejected) for anything else: a mistake in the app, which every request would show
 * @example
 * startStandaloneServer(apollo, { context: auth.context })              // also expressMiddleware, fastifyApolloHandler
 * const context = await auth.context(request, { address })              // a Fetch Request; then: context.headers
 */
export interface OpenContext {
  /** Apollo Server, standalone and on Express. */
  (message: { readonly req: RequestLike; readonly res: ResponseLike }): Promise<GraphQLContext>
  /** Fastify's request and reply, or Node's request and response. */
  (request: RequestLike, response: ResponseLike | ReplyLike): Promise<GraphQLContext>
  /** The Fetch API. */
  (request: FetchRequest, connection?: FetchConnection): Promise<FetchContext>
}

/** @internal The same for Annul's own server, at once. */
export type OpenContextNow = (request: RequestLike, response: ResponseLike) => GraphQLContext

/** @internal */
export function openContextNow(services: Services): OpenContextNow {
  return (request, response) => ({ auth: new AuthContext(new RequestState(services, request, response)) })
}

/** @internal */
export function openContext(open: OpenContextNow): OpenContext {
  const read = async (...[first, second]: readonly unknown[]): Promise<GraphQLContext> => {
    const { req, res } = Object(first)
    if (isRequest(req) && isResponse(res)) return open(req, responseOf(res))
    if (isRequest(first) && isResponse(second)) return open(first, responseOf(second))
    if (isFetchRequest(first)) {
      const headers: HeaderList = []
      const response = { appendHeader: (name: string, value: string) => headers.push([name, value]) }
      const context: FetchContext = {
        ...open(fromFetch(first, connectionOf(second)), response),
        headers,
      }
      return context
    }
    throw new TypeError(
      'auth.context takes { req, res }, (request, response), (request, reply), or a Request of the Fetch API.',
    )
  }
  return read as OpenContext
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

/** @internal What cookies are set on. */
export function responseOf(response: ResponseLike | ReplyLike): ResponseLike {
  if ('appendHeader' in response) return response
  // Fastify's `header` adds a further `set-cookie` to those that are set.
  return { appendHeader: (name, value) => response.header(name, value) }
}

function connectionOf(value: unknown): FetchConnection {
  const { address } = Object(value)
  return typeof address === 'string' ? { address } : {}
}
