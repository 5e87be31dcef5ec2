import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { outageOf } from '../database/outage.ts'
import { AuthError, unavailable } from '../errors.ts'
import { invalidClient, invalidRequest, OAuthError } from '../oauth/oauthError.ts'
import type { Parts } from '../parts.ts'
import { ServiceEndedError } from '../services/refuseEnded.ts'
import { refusalOfRequest } from './answerErrors.ts'

/** Answers an error as RFC 6749, 5.2, describes it. An outage is 503, so that nobody takes it for a dead token. */
export function answerOAuthError(
  { log }: Pick<Parts, 'log'>,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const refusal = refusalOf(error) ?? unexpected(log, error)
  const { status, code, message, challenge, retryAfter } = refusal
  request.note.code = code
  if (challenge !== undefined) reply.header('www-authenticate', challenge)
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  return reply.status(status).send({ error: code, error_description: message })
}

function refusalOf(error: unknown): OAuthError | undefined {
  if (error instanceof OAuthError) return error
  if (error instanceof ServiceEndedError) return invalidClient()
  const known = error instanceof AuthError ? error : outageOf(error) ? unavailable() : undefined
  if (known !== undefined) return ofAuthError(known)
  const { code, statusCode = 400 } = Object(error) as { code?: string; statusCode?: number }
  const refusal = refusalOfRequest(code)
  if (refusal === undefined) return undefined
  const description =
    statusCode === 415 ? 'The body is of another type than this address takes.' : refusal.message
  return invalidRequest(statusCode === 413 ? 'The body is too large.' : description, statusCode)
}

function ofAuthError({ code, message, details }: AuthError): OAuthError | undefined {
  const retryAfter = typeof details.retryAfter === 'number' ? details.retryAfter : 1
  switch (code) {
    case 'UNAVAILABLE':
      return new OAuthError(503, 'temporarily_unavailable', message, retryAfter)
    case 'TOO_MANY_REQUESTS':
      return new OAuthError(429, 'temporarily_unavailable', message, retryAfter)
    case 'NOT_FOUND':
      return invalidRequest(message, 404)
    case 'BAD_USER_INPUT':
      return invalidRequest(message)
    default:
      return undefined
  }
}

/** The client gets an id, and the log the error beside it. */
function unexpected(log: Parts['log'], error: unknown): OAuthError {
  const id = randomUUID()
  log.error({ err: error, id }, 'A request failed.')
  return new OAuthError(
    500,
    'server_error',
    `Something went wrong on the server. The log has details, with the id ${id}.`,
  )
}
