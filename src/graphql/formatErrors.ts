import { randomUUID } from 'node:crypto'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { outageOf } from '../database/outage.ts'
import { AuthError, unavailable } from '../errors.ts'
import type { Log } from '../log.ts'
import { traceIdOf } from '../tracing.ts'
import { tooManyTokens } from './bounds/tokens.ts'

/**
 * Formats every error that reaches a client. Three kinds pass: AuthErrors, GraphQLErrors with a code of their own, and
 * graphql's messages about a request's syntax, fields and variables. Any other error is logged and becomes
 * INTERNAL_SERVER_ERROR with the id of the log entry and that of the trace, because Apollo Server passes on the message of every thrown Error,
 * in production too.
 *
 * @param options.suggests whether graphql may name fields that the client could have meant (ANNUL_INTROSPECTION)
 */
export function formatErrors(log: Log, { suggests }: { suggests: boolean }) {
  return (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const cause = causeOf(error)
    const place = {
      ...(formatted.locations && { locations: formatted.locations }),
      ...(formatted.path && { path: formatted.path }),
    }
    const known = cause instanceof AuthError ? cause : outageOf(cause) ? unavailable() : undefined
    if (known) return { message: known.message, ...place, extensions: known.extensions }
    // The engine's "Maximum call stack size exceeded", which the parser's error wraps.
    if (isOverflow(error))
      return { message: 'The operation is nested too deeply.', ...place, extensions: parseFailed }
    const tokens = tooManyTokens(formatted)
    if (tokens) return { message: tokens.message, extensions: publicOf(tokens.extensions) }
    if (isPublic(formatted, error, cause)) {
      const message = suggests || formatted.path ? formatted.message : withoutSuggestion(formatted.message)
      return { ...formatted, message, extensions: publicOf(formatted.extensions) }
    }

    const id = randomUUID()
    const traceId = traceIdOf(cause)
    const found = { id, ...(traceId !== undefined && { traceId }) }
    log.error({ err: cause, ...found, path: formatted.path?.join('.') }, 'A request failed.')
    const extensions = { code: 'INTERNAL_SERVER_ERROR', ...found }
    return { message: 'Something went wrong on the server.', ...place, extensions }
  }
}

/** What a resolver threw, without what graphql put around it. */
function causeOf(error: unknown): unknown {
  return error instanceof GraphQLError && error.path && error.originalError ? error.originalError : error
}

function isPublic(formatted: GraphQLFormattedError, error: unknown, cause: unknown): boolean {
  if (formatted.extensions?.code === 'INTERNAL_SERVER_ERROR') return false
  // An error with a path comes from a field. Without a code of its author it may be graphql's complaint about a
  // resolver's value, and the message would show that value.
  if (formatted.path) return cause instanceof GraphQLError && typeof cause.extensions.code === 'string'
  return error instanceof GraphQLError
}

const parseFailed = { code: 'GRAPHQL_PARSE_FAILED' }

function isOverflow(error: unknown): boolean {
  if (!(error instanceof GraphQLError) || error.path) return false
  return error.originalError instanceof RangeError || isOverflow(error.originalError)
}

function withoutSuggestion(message: string): string {
  const at = message.lastIndexOf(' Did you mean ')
  return at >= 0 && message.endsWith('?') ? message.slice(0, at) : message
}

/** `http` is for Apollo Server, which takes it out itself: sockets have no status. */
function publicOf(extensions: GraphQLFormattedError['extensions']): Record<string, unknown> {
  const { stacktrace: _, http: __, ...rest } = extensions ?? {}
  return rest
}
