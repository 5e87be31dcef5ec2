import type { FastifyInstance } from 'fastify'
import { bodyLimitBytes } from '../graphql/bounds/body.ts'

export { bodyLimitBytes }

/** Answers errors before GraphQL: a body that is no JSON, too large, or of another type; an unknown path. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<Error & { statusCode?: number; code?: string }>(async (error, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500)
      request.log.error({ err: error, traceId: request.note.span?.traceId }, 'A request failed.')
    const { code, message } = refusalOfRequest(error.code) ?? (status < 500 ? badRequest : broken)
    request.note.code = code
    return reply.status(status).send({ errors: [{ message, extensions: { code } }] })
  })
  app.setNotFoundHandler(async (request, reply) => {
    const code = 'NOT_FOUND'
    request.note.code = code
    return reply
      .status(404)
      .send({ errors: [{ message: 'There is nothing at this address.', extensions: { code } }] })
  })
}

/** What is told of one of Fastify's own errors about a request that can't be read. Undefined: it is another error. */
export function refusalOfRequest(code = ''): { code: string; message: string } | undefined {
  return refusals[code] ?? (code.startsWith('FST_ERR_CTP_') ? badRequest : undefined)
}

const badRequest = { code: 'BAD_REQUEST', message: "The request can't be read." }
const broken = { code: 'INTERNAL_SERVER_ERROR', message: 'Something went wrong on the server.' }
const refusals: Record<string, { code: string; message: string }> = {
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'BAD_REQUEST', message: 'The body is not valid JSON.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'BAD_REQUEST', message: 'The body is empty.' },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'BODY_TOO_LARGE',
    message: `The body is larger than ${bodyLimitBytes} bytes.`,
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'BAD_REQUEST',
    message: 'The body must be of the type application/json.',
  },
}
