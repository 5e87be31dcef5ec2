import type { FastifyRequest } from 'fastify'
import { type Allowlist, notInList, withoutId } from '../graphql/operations/allowlist.ts'

/**
 * A hook of Mercurius' routes, which puts the document that a request means into it. It throws a GraphQLError for one
 * that is not in the list.
 */
export function takeOperations(allowlist: Allowlist | undefined) {
  return async ({ method, query, body }: FastifyRequest): Promise<void> => {
    if (!allowlist) return
    const given = method === 'POST' ? body : query
    for (const operation of Array.isArray(given) ? given : [given]) take(allowlist, Object(operation))
  }
}

function take(allowlist: Allowlist, operation: Record<string, unknown>): void {
  const { extensions } = operation
  const parsed = typeof extensions === 'string' ? parsedOr(extensions) : extensions
  const document = allowlist.find({ ...operation, extensions: parsed })
  if (document === undefined) throw notInList()
  operation.query = document
  // Mercurius would look the id up among those of its own settings.
  if (typeof extensions === 'object' && extensions !== null) operation.extensions = withoutId(extensions)
  else delete operation.extensions
  delete operation.persisted
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
