import type { ExecutionResult, GraphQLFormattedError } from 'graphql'
import type { Plugin, YogaInitialContext } from 'graphql-yoga'
import { isNodeRequest } from '../request/handedOver.ts'
import { fromFetch, type HeaderList, type RequestLike } from '../request/message.ts'
import { finishAnswer } from './finishAnswer.ts'
import { type GatewayContext, Passage, passageOf } from './passage.ts'
import { asAbortSignal } from './signals.ts'

type YogaRequest = YogaInitialContext['request']

/** Options of the plugin for Yoga and for Hive Gateway. */
export interface GatewayPluginOptions {
  /**
   * The address of the client, or of a proxy. Default: that of the socket on node:http; in a Fetch handler it is not
   * known, and services are told none.
   *
   * @param serverContext what the handler gave to Yoga beside the request
   */
  readonly addressOf?: ((request: YogaRequest, serverContext: object) => string | undefined) | undefined
}

/**
 * For a gateway on GraphQL Yoga: makes the context of `gateway.toAnnul` and `gateway.toService`, sets cookies, the HTTP
 * statuses 401, 429 and 503 with their headers, and `extensions.annul`, which are lost on the way through the gateway.
 *
 * @example
 * createYoga({ schema, plugins: [gatewayPlugin()] })
 */
export function gatewayPlugin({ addressOf }: GatewayPluginOptions = {}): Plugin<GatewayContext> {
  const givenBack = new WeakMap<YogaRequest, HeaderList>()
  return {
    onContextBuilding({ context, extendContext }) {
      const { request } = context
      // The operations of a batch give back to one answer.
      const headers = givenBack.get(request) ?? []
      givenBack.set(request, headers)
      const response = { appendHeader: (name: string, value: string) => headers.push([name, value]) }
      const annul = new Passage(
        messageOf(request, context, addressOf),
        response,
        asAbortSignal(request.signal),
      )
      extendContext({ annul })
    },
    onExecutionResult({ result, setResult, context }) {
      if (result === undefined || isEvents(result)) return
      setResult(finished(result, passageOf(context)))
    },
    onResponse({ request, response }) {
      const headers = givenBack.get(request)
      if (!headers || !response) return
      for (const [name, value] of headers) response.headers.append(name, value)
      // Answers carry tokens, or depend on one.
      if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
    },
  }
}

/** Yoga takes an answer's status and headers from `extensions.http`, which it does not send. */
function finished(result: ExecutionResult, passage: Passage): ExecutionResult {
  const { refusal, annul } = finishAnswer(passage, result.data, result.errors?.map(formatted))
  if (!refusal && !annul) return result
  const http = refusal && { status: refusal.status, headers: { [refusal.header[0]]: refusal.header[1] } }
  return { ...result, extensions: { ...result.extensions, ...(annul && { annul }), ...(http && { http }) } }
}

function formatted(error: { toJSON(): GraphQLFormattedError }): GraphQLFormattedError {
  return error.toJSON()
}

function messageOf(
  request: YogaRequest,
  context: object,
  addressOf: GatewayPluginOptions['addressOf'],
): RequestLike {
  const req = 'req' in context ? context.req : undefined
  const { headers, socket } = isNodeRequest(req) ? req : fromFetch(request)
  const remoteAddress = addressOf ? addressOf(request, context) : socket?.remoteAddress
  return { headers, socket: { remoteAddress } }
}

function isEvents(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
