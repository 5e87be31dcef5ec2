import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isTracing, type OpenSpan, startServerSpan } from '../tracing.ts'

/** What the log line of a request says about its operation. Filled in while the request is answered. */
export interface RequestNote {
  operation?: string
  userId?: string
  code?: string
  /** Where the request is traced. */
  span?: OpenSpan
}

declare module 'fastify' {
  interface FastifyRequest {
    note: RequestNote
  }
}

/** One line a request: its operation, duration, user and outcome. Never headers, URLs or variables. */
export function logRequests(app: FastifyInstance): void {
  app.decorateRequest('note')
  app.addHook('onRequest', (request, reply, done) => {
    request.note = {}
    // A WebSocket is no request with an answer.
    if (isTracing() && request.headers.upgrade === undefined) request.note.span = spanOf(request)
    // Answers carry tokens, or depend on one.
    reply.header('cache-control', 'no-store')
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { operation, userId, span } = request.note
    // Apollo Server calls no plugin for a request that it refuses before there is an operation.
    const isRefusal = reply.statusCode >= 400 && reply.statusCode < 500
    const code = request.note.code ?? (isRefusal ? 'BAD_REQUEST' : undefined)
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url,
        operation,
        userId,
        code,
        traceId: span?.traceId,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
    span?.set({ 'http.response.status_code': reply.statusCode })
    span?.end(reply.statusCode >= 500)
    done()
  })
}

/** Its name is the route: the path of a request that has no route may hold anything. */
function spanOf({ method, routeOptions: { url }, headers }: FastifyRequest): OpenSpan {
  return startServerSpan(url === undefined ? method : `${method} ${url}`, headers, {
    'http.request.method': method,
    ...(url !== undefined && { 'http.route': url }),
  })
}
