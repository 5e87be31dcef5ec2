import { types } from 'node:util'
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

/** pino's options: where lines go, and how an error is written. */
export function loggerOptions(level: string, stream?: { write(line: string): void }) {
  return {
    level,
    ...(stream && { stream }),
    serializers: { err: serializeError },
  }
}

interface SerializedError {
  type: string
  message: string
  stack: string
  [more: string]: unknown
}

/** Of a chain of causes, which may lead back to its beginning, this many are written. */
const maxCauses = 5

/**
 * An error without the values that it was about: a driver's error carries the statement's parameters, which are
 * e-mails and password hashes.
 */
export function serializeError(error: unknown, causes = maxCauses): SerializedError {
  if (!types.isNativeError(error)) return { type: typeof error, message: '', stack: '' }
  const fromDatabase = 'query' in error || 'severity' in error || error.name.startsWith('Drizzle')
  const { name } = error
  return {
    type: name,
    message: fromDatabase ? 'A statement failed.' : error.message,
    ...('code' in error && { code: error.code }),
    // The stack's first line repeats the message.
    stack: (error.stack ?? '')
      .split('\n')
      .filter(line => /^\s+at /.test(line))
      .join('\n'),
    ...(error.cause !== undefined && causes > 0 && { cause: serializeError(error.cause, causes - 1) }),
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
