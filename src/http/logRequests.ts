import type { FastifyInstance } from 'fastify'

/** What one request is remembered by. Filled in while it is answered, written as one line when it is done. */
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

/** One line a request: what it did, how long it took, for whom, and how it ended. Never headers, URLs or variables. */
export function logRequests(app: FastifyInstance): void {
  app.decorateRequest('note')
  app.addHook('onRequest', async (request, reply) => {
    request.note = {}
    // Answers carry tokens, or depend on one.
    reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    const { operation, userId } = request.note
    // Of what it refuses before there is an operation, Apollo Server tells no plugin.
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
  })
}
