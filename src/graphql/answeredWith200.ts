import type { GraphQLFormattedError } from 'graphql'

/** What is wrong with the operation itself, and not with the request that carries it. */
const ofOperation: readonly string[] = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']

/**
 * Whether HTTP is to say 200 of an operation that can't be carried out. A client that asks for `application/json` reads
 * only errors of the transport from the status; one that takes `application/graphql-response+json` gets 400 (GraphQL
 * over HTTP, 6.4). Clients that ask for no type in particular get 400 too.
 *
 * @param accept the header of the request
 */
export function isAnsweredWith200(
  accept: string | undefined,
  { data, errors = [] }: { readonly data?: unknown; readonly errors?: readonly GraphQLFormattedError[] },
): boolean {
  return (
    accept?.includes('application/json') === true &&
    !accept.includes('application/graphql-response+json') &&
    data == null &&
    errors.every(({ extensions }) => ofOperation.includes(String(extensions?.code)))
  )
}
