import { AuthContext, type GraphQLContext, RequestState, type Services } from './context.ts'
import { readHandedOver } from './handedOver.ts'
import type {
  FetchConnection,
  FetchRequest,
  HeaderList,
  ReplyLike,
  RequestLike,
  ResponseLike,
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
    const { request, response, headers } = readHandedOver('auth.context', first, second)
    const context = open(request, response)
    const fetched: FetchContext | undefined = headers && { ...context, headers }
    return fetched ?? context
  }
  return read as OpenContext
}
