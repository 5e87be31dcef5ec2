import type { YogaInitialContext } from 'graphql-yoga'
import { refuseUnknownOptions } from '../names.ts'
import { isNodeRequest } from '../request/handedOver.ts'
import { fromFetch, type RequestLike } from '../request/message.ts'

/** A Fetch request, as Yoga hands it to plugins. */
export type YogaRequest = YogaInitialContext['request']

/** Options of annulYoga. */
export interface YogaOptions<ServerContext = Readonly<Record<string, unknown>>> {
  /**
   * The address of the client, or of a trusted proxy (`trustedProxies`). Default: that of the socket on node:http;
   * in a Fetch handler it is not known, and then `bind: 'ip'` issues no tokens.
   *
   * @param serverContext what the handler gave to Yoga beside the request
   * @example
   * annulYoga(auth, { addressOf: (_request, { incoming }) => incoming.socket.remoteAddress })   // @hono/node-server
   */
  readonly addressOf?:
    | ((request: YogaRequest, serverContext: ServerContext) => string | undefined)
    | undefined
}

/** @throws TypeError for an unknown option, or one of the wrong type */
export function checkYogaOptions(options: object): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('annulYoga takes an object with options.')
  refuseUnknownOptions('annulYoga', options, ['addressOf'])
  const { addressOf }: YogaOptions = options
  if (addressOf !== undefined && typeof addressOf !== 'function')
    throw new TypeError(`The option "addressOf" must be a function, not ${typeof addressOf}.`)
}

/**
 * What Annul reads of a request. On node:http, and in frameworks on it, the server context has Node's request as `req`.
 *
 * @throws TypeError where `addressOf` gives something other than a text
 */
export function messageOf<ServerContext extends object>(
  request: YogaRequest,
  serverContext: ServerContext,
  { addressOf }: YogaOptions<ServerContext>,
): RequestLike {
  const req = 'req' in serverContext ? serverContext.req : undefined
  if (addressOf === undefined) return isNodeRequest(req) ? req : fromFetch(request)
  const address: unknown = addressOf(request, serverContext)
  if (address === undefined) return isNodeRequest(req) ? { headers: req.headers } : fromFetch(request)
  if (typeof address !== 'string')
    throw new TypeError(`"addressOf" must give a text or undefined, and gave ${typeof address}.`)
  return isNodeRequest(req)
    ? { headers: req.headers, socket: { remoteAddress: address } }
    : fromFetch(request, { address })
}

/**
 * A server context of this request alone. An app may hand the same object over for every request
 * (`handleNodeRequestAndResponse`), and Yoga would make it the context of them all: one request would be answered with
 * the sender of another.
 */
export function ownContext<ServerContext extends object>(serverContext: ServerContext): ServerContext {
  return Object.create(Object.getPrototypeOf(serverContext), Object.getOwnPropertyDescriptors(serverContext))
}
