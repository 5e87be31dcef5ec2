import { GraphQLError, type GraphQLFormattedError, locatedError } from 'graphql'
import type { MercuriusCommonOptions } from 'mercurius'
import type { OpenedAuth } from '../auth.ts'
import { refusalOfRequest } from '../http/answerErrors.ts'

type ErrorFormatter = NonNullable<MercuriusCommonOptions['errorFormatter']>

/** For Mercurius: lets through what a client may know of the errors of an operation or of a request. */
export function mercuriusErrors(auth: OpenedAuth): ErrorFormatter {
  return (execution, context) => {
    const causes = execution.errors.flatMap(unfold)
    const errors = causes.map(cause => format(auth, cause))
    if (execution.data !== undefined) return { statusCode: 200, response: { data: execution.data, errors } }
    const statusCode = statusOf(causes[0], errors[0])
    if (statusCode === 405) context.reply?.header('allow', 'POST')
    return { statusCode, response: { errors } }
  }
}

/** Mercurius throws one error around all that is wrong with a document or its variables. */
function unfold(error: GraphQLError): readonly unknown[] {
  const { code, errors } = Object(error.originalError)
  return code === 'MER_ERR_GQL_VALIDATION' && Array.isArray(errors) ? errors : [unwrapped(error)]
}

/** What was thrown outside of fields: Mercurius puts a GraphQLError around it, with its message. */
function unwrapped(error: GraphQLError): unknown {
  const { originalError, path, message } = error
  return originalError && !path && originalError.message === message ? originalError : error
}

function format(auth: OpenedAuth, error: unknown): GraphQLFormattedError {
  if (error instanceof GraphQLError) {
    const told = toldByApp(error) ?? error
    const formatted = told.toJSON()
    if (told.path || told.extensions?.code !== undefined) return auth.formatError(formatted, told)
    return auth.formatError({ ...formatted, extensions: { code: codeOf(formatted.message) } }, told)
  }
  const refusal = refusalOf(error)
  if (refusal) return { message: refusal.message, extensions: { code: refusal.code } }
  // The parser's "Maximum call stack size exceeded" among the errors of a document.
  if (error instanceof RangeError)
    return auth.formatError({ message: '' }, new GraphQLError('', { originalError: error }))
  return auth.formatError({ message: '' }, error)
}

/** Mercurius' ErrorWithProps with a code: what the author of a resolver wants to tell. */
function toldByApp({ originalError, nodes, path = [] }: GraphQLError): GraphQLError | undefined {
  const extensions = Object(originalError).extensions
  if (originalError?.constructor.name !== 'ErrorWithProps' || typeof extensions?.code !== 'string')
    return undefined
  const told = new GraphQLError(originalError.message, { extensions })
  return locatedError(told, nodes, path)
}

/** The code of graphql's complaint about a request, as Apollo Server gives it. */
function codeOf(message: string): string {
  if (message.startsWith('Syntax Error: ')) return 'GRAPHQL_PARSE_FAILED'
  if (/^(?:Unknown operation named|Must provide (?:an )?operation)/.test(message))
    return 'OPERATION_RESOLUTION_FAILURE'
  if (
    /^Variable "\$[^"]*" (?:got invalid value|of (?:required|non-null) type "[^"]*" (?:was not|must not))/.test(
      message,
    )
  )
    return 'BAD_USER_INPUT'
  return 'GRAPHQL_VALIDATION_FAILED'
}

/** What is told of an error of Mercurius or Fastify about a request. Undefined: it is another error. */
function refusalOf(error: unknown): { code: string; message: string } | undefined {
  const { code, message, validation } = Object(error)
  switch (code) {
    case 'MER_ERR_GQL_PERSISTED_QUERY_NOT_FOUND':
      if (message === 'Unknown query') return { code: 'BAD_REQUEST', message: 'The request has no query.' }
      return { code: 'PERSISTED_QUERY_NOT_FOUND', message }
    case 'MER_ERR_GQL_PERSISTED_QUERY_NOT_SUPPORTED':
      return { code: 'PERSISTED_QUERY_NOT_SUPPORTED', message }
    case 'MER_ERR_GQL_QUERY_DEPTH':
      return { code: 'GRAPHQL_VALIDATION_FAILED', message }
    case 'MER_ERR_GQL_PERSISTED_QUERY_MISMATCH':
    case 'MER_ERR_GQL_CSRF_PREVENTION':
      return { code: 'BAD_REQUEST', message }
    case 'MER_ERR_METHOD_NOT_ALLOWED':
      return { code: 'BAD_REQUEST', message: 'A GET request carries queries only.' }
    case 'MER_ERR_GQL_VALIDATION':
      return { code: 'BAD_REQUEST', message: 'The variables or the extensions are not valid JSON.' }
  }
  // Fastify's complaint about the shape of the body names fields and no values.
  if (Array.isArray(validation))
    return { code: 'BAD_REQUEST', message: `The request can't be read: ${message}.` }
  return typeof code === 'string' ? refusalOfRequest(code) : undefined
}

/** The status of a request of which nothing was carried out. */
function statusOf(cause: unknown, formatted: GraphQLFormattedError | undefined): number {
  const { statusCode, extensions } = Object(cause)
  const status = extensions?.http?.status ?? statusCode
  if (typeof status === 'number' && status >= 400 && status < 500) return status
  return formatted?.extensions?.code === 'INTERNAL_SERVER_ERROR' ? 500 : 400
}
