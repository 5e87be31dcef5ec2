import type { FastifyRequest } from 'fastify'
import { type DocumentNode, GraphQLError, getOperationAST, Kind, parse } from 'graphql'
import { checkNesting, checkVariables } from '../graphql/bounds/nesting.ts'
import { maxOperations } from '../http/socketBounds.ts'

/** The part of a request that may become an operation. Mercurius has checked the types. */
interface Operation {
  query?: unknown
  readonly variables?: unknown
  readonly operationName?: unknown
  readonly extensions?: unknown
}

/**
 * A hook of Mercurius' routes, which refuses what Mercurius would parse, validate or carry out beyond Annul's bounds. It
 * throws a GraphQLError with a code.
 */
export function checkRequests(maxTokens: number) {
  return async ({ method, query, body }: FastifyRequest): Promise<void> => {
    if (method !== 'POST') return checkGet(Object(query), maxTokens)
    if (!Array.isArray(body)) return checkPost(Object(body), maxTokens)
    if (body.length > maxOperations)
      throw new GraphQLError(`More than ${maxOperations} operations are in one request.`, {
        extensions: { code: 'BAD_REQUEST' },
      })
    for (const operation of body) checkPost(Object(operation), maxTokens)
  }
}

function checkPost(operation: Operation, maxTokens: number): void {
  const { query, variables } = operation
  checkVariables(variables)
  if (typeof query !== 'string') return
  checkDocument(query, maxTokens)
  nameOperation(operation, query, maxTokens)
}

function checkGet({ query, variables, operationName }: Operation, maxTokens: number): void {
  checkVariables(parsedOr(variables))
  if (typeof query !== 'string') return
  checkDocument(query, maxTokens)
  const document = parsed(query, maxTokens)
  if (document === undefined) return
  // Mercurius looks at the operation that is named, and a compiled document (`jit`) may be another operation.
  if (operationsOf(document).some(({ operation }) => operation !== 'query'))
    throw new GraphQLError('A GET request carries queries only.', {
      extensions: { code: 'BAD_REQUEST', http: { status: 405 } },
    })
  const name = typeof operationName === 'string' ? operationName : undefined
  if (!getOperationAST(document, name))
    throw new GraphQLError('The document has no such operation.', {
      extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
    })
}

/** Any JSON; nothing that begins so is an operation. */
const jsonText = /^\s*(?:\{\s*["}]|[["\-\d]|true|false|null)/

/**
 * Mercurius takes a text that can't be parsed for the JSON of a parsed document. Such a document would have been counted
 * by nobody, and may be of any shape.
 */
function checkDocument(text: string, maxTokens: number): void {
  checkNesting(text, maxTokens)
  if (jsonText.test(text)) parse(text, { maxTokens })
}

const severalOperations = /\b(?:query|mutation|subscription)\b[\s\S]*\b(?:query|mutation|subscription)\b/

/**
 * Mercurius compiles a document (`jit`) with the operation that is asked for at that moment, and carries that one out
 * from then on, whichever is named. With its operation's name in it, each operation is a document of its own.
 */
function nameOperation(operation: Operation, query: string, maxTokens: number): void {
  if (!severalOperations.test(query)) return
  const document = parsed(query, maxTokens)
  if (document === undefined || operationsOf(document).length < 2) return
  if (Object(operation.extensions).persistedQuery !== undefined)
    throw new GraphQLError('A persisted document has one operation.', { extensions: { code: 'BAD_REQUEST' } })
  const { operationName } = operation
  if (typeof operationName === 'string' && /^\w+$/.test(operationName))
    operation.query = `${query}\n# ${operationName}`
}

function operationsOf({ definitions }: DocumentNode) {
  return definitions.filter(definition => definition.kind === Kind.OPERATION_DEFINITION)
}

/** Undefined: Mercurius will find the same mistake. */
function parsed(text: string, maxTokens: number): DocumentNode | undefined {
  try {
    return parse(text, { maxTokens })
  } catch {
    return undefined
  }
}

function parsedOr(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}
