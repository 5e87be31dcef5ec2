import { readHandedOver } from '../request/handedOver.ts'
import type {
  FetchConnection,
  FetchRequest,
  HeaderList,
  ReplyLike,
  RequestLike,
  ResponseLike,
} from '../request/message.ts'
import { type GatewayContext, Passage } from './passage.ts'
import { asAbortSignal, whenGone } from './signals.ts'

/**
 * Makes the context of one request, from what the server hands over. What Annul's answers have for the client is set on
 * the response; a Fetch handler adds `headers` to its own.
 *
 * @throws TypeError (the promise is rejected) for anything else
 */
export interface OpenGatewayContext {
  /** Apollo Server, standalone and on Express. */
  (message: { readonly req: RequestLike; readonly res: ResponseLike }): Promise<GatewayContext>
  /** Fastify's request and reply, or Node's request and response. */
  (request: RequestLike, response: ResponseLike | ReplyLike): Promise<GatewayContext>
  /** The Fetch API. */
  (
    request: FetchRequest,
    connection?: FetchConnection,
  ): Promise<GatewayContext & { readonly headers: HeaderList }>
}

/** @internal */
export const openGatewayContext = (async (first: unknown, second?: unknown) => {
  const { request, response, headers } = readHandedOver('gateway.context', first, second)
  const { res = second, signal } = Object(first)
  const annul = new Passage(request, response, whenGone(res) ?? asAbortSignal(signal))
  return headers ? { annul, headers } : { annul }
}) as OpenGatewayContext
