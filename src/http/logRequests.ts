import type { FastifyInstance } from 'fastify'

/** What the log line of a request says about its operation. Filled in while the request is answered. */
export interface RequestNote {
  operation?: string
  userId?: string
  code?: string
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
    // Answers carry tokens, or depend on one.
    reply.header('cache-control', 'no-store')
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { operation, userId } = request.note
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
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
    done()
  })
}
