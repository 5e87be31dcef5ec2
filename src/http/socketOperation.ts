import {
  type ExecutionArgs,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  specifiedRules,
  subscribe,
  type ValidationRule,
} from 'graphql'
import type { ExecutionResult, SubscribePayload } from 'graphql-ws'
import type { OpenedAuth } from '../auth.ts'
import type { Config } from '../config.ts'
import { tooManyRequests } from '../errors.ts'
import { checkNesting, checkVariables } from '../graphql/bounds/nesting.ts'
import { noIntrospection } from '../graphql/noIntrospection.ts'
import { notInList } from '../graphql/operations/allowlist.ts'
import type { ServerContext } from './serverPlugin.ts'
import { maxOperations } from './socketBounds.ts'
import type { SocketConnection } from './socketConnection.ts'
import type { Documents } from './socketDocuments.ts'

/** graphql's rules; without introspection where that is off (ANNUL_INTROSPECTION). */
export function rulesFor({ introspection }: Config): readonly ValidationRule[] {
  return introspection ? specifiedRules : [...specifiedRules, noIntrospection]
}

/**
 * What a socket asks for, ready to be carried out; or why it is not. Bounded as Apollo Server's operations are.
 *
 * @param more what the context holds beside Annul's part
 */
export function prepare(
  schema: GraphQLSchema,
  documents: Documents,
  { bounds, operations }: Pick<OpenedAuth, 'bounds' | 'operations'>,
  connection: SocketConnection,
  payload: SubscribePayload,
  more: object = {},
): ExecutionArgs | GraphQLError[] {
  const refused = refuseTooMany(connection)
  if (refused) return refused
  const { operationName, variables } = payload
  const query = operations ? operations.find(payload) : payload.query
  try {
    if (query === undefined) throw notInList()
    checkVariables(variables)
    checkNesting(query, bounds.tokens)
    const document = documents.read(query)
    if (!('kind' in document)) return document.map(error => withCode(error, 'GRAPHQL_VALIDATION_FAILED'))
    bounds.check(schema, document, variables)
    // A mutation's answer may carry cookies, which a socket can't.
    if (getOperationAST(document, operationName)?.operation === 'mutation')
      return [new GraphQLError('Mutations are sent over HTTP.', { extensions: { code: 'BAD_REQUEST' } })]
    // The very object that was given: what the app has made for the operation (loaders) may hold it.
    const contextValue: ServerContext = Object.assign(more, connection.context(), { note: {} })
    return { schema, document, operationName, variableValues: variables, contextValue }
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    return [error.extensions.code === undefined ? withCode(error, 'GRAPHQL_PARSE_FAILED') : error]
  }
}

/** As graphql's `subscribe`, but an error of an app's `subscribe` ends the operation and not the whole socket. */
export async function begin(args: ExecutionArgs): Promise<Awaited<ReturnType<typeof subscribe>>> {
  try {
    return await subscribe(args)
  } catch (error) {
    return { errors: [withCode(carrying(error), 'INTERNAL_SERVER_ERROR')] }
  }
}

export function isSubscription({ document, operationName }: ExecutionArgs): boolean {
  return getOperationAST(document, operationName)?.operation === 'subscription'
}

/** A result, with what a client may know of its errors. Apollo Server does the same for HTTP. */
export function formatResult(
  auth: OpenedAuth,
  result: ExecutionResult,
): FormattedExecutionResult | undefined {
  // Without errors, graphql-ws sends the result unchanged.
  if (!result.errors) return undefined
  const errors = result.errors.map(error =>
    // An error without a path is about the operation's name or its variables.
    format(auth, error, error.path ? 'INTERNAL_SERVER_ERROR' : 'BAD_USER_INPUT'),
  )
  return { data: result.data ?? null, errors }
}

/** What a client may know of an operation that was refused, or whose events ended with an error. */
export function formatFailure(auth: OpenedAuth, error: GraphQLError): GraphQLFormattedError {
  // graphql-ws wraps what an app's code has thrown.
  const cause = error.path === undefined ? (error.originalError ?? error) : error
  if (cause instanceof GraphQLError) return format(auth, cause, 'INTERNAL_SERVER_ERROR')
  return auth.formatError({ message: '', extensions: { code: 'INTERNAL_SERVER_ERROR' } }, cause)
}

/** The answer to an operation beyond the bound, itself one of the running ones; undefined within the bound. */
export function refuseTooMany(connection: SocketConnection): GraphQLError[] | undefined {
  return connection.running().length > maxOperations ? [carrying(tooManyRequests(1))] : undefined
}

/** A GraphQLError around any other. */
function carrying(error: unknown): GraphQLError {
  return new GraphQLError('', { originalError: error instanceof Error ? error : new Error(String(error)) })
}

function format(auth: OpenedAuth, error: GraphQLError, code: string): GraphQLFormattedError {
  return auth.formatError({ ...error.toJSON(), extensions: { code, ...error.extensions } }, error)
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  Object.assign(error.extensions, { code })
  return error
}
