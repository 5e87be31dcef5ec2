import type { GraphQLRequest } from '@apollo/server'
import { type Allowlist, notInList, withoutId } from './allowlist.ts'

/** Parsed in place of an operation that is not in the list: what is thrown before has no status. */
const harmless = '{ __typename }'

/** For Apollo Server: puts the document that a request means into it. */
export function openApolloOperations(allowlist: Allowlist | undefined) {
  const refused = new WeakSet<GraphQLRequest>()
  return {
    /** To be called when a request starts, before its text is read. */
    take(request: GraphQLRequest): void {
      if (!allowlist) return
      const { http } = request
      const given = http?.method === 'GET' ? Object.fromEntries(new URLSearchParams(http.search)) : http?.body
      const document = allowlist.find({
        ...Object(given),
        query: request.query,
        extensions: request.extensions,
      })
      if (document === undefined) refused.add(request)
      request.query = document ?? harmless
      request.extensions = withoutId(request.extensions)
    },

    /** @throws GraphQLError PERSISTED_QUERY_NOT_IN_LIST */
    check(request: GraphQLRequest): void {
      if (allowlist && refused.has(request)) throw notInList()
    },
  }
}
