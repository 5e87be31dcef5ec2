import { parse } from '../platform/text.ts'
import type { GraphQLFailure, GraphQLResult, Sent } from '../types.ts'

type Operation = { readonly query?: unknown }

/**
 * What the JSON of a POST asks for, found without a GraphQL parser. In doubt the operation counts as a mutation, which
 * is not sent twice.
 */
export function describe(json: string): Sent {
  const operations = [parse<Operation | Operation[]>(json)].flat()
  const queries = operations.map(operation => operation?.query)
  const fields = queries.join()
  if (!queries.every(query => typeof query === 'string')) return { kind: 'other', fields }
  if (!/\bmutation\b/.test(fields)) return { kind: 'read', fields }
  // Of several operations it is not known which one is meant.
  const isOne = !queries[1] && !/}\s*mutation/.test(fields)
  const first = isOne ? /\bmutation\b[^{]*{\s*(\w+)/.exec(fields)?.[1] : undefined
  return { kind: 'write', first, fields }
}

/**
 * Whether a request that was refused for its token, or for want of a proof, may be sent again: a query always, a mutation
 * only when none of its fields was carried out. Fields run in order. A failed field that is not nullable stops the rest and
 * leaves no data. Without data it is only known of a single operation that is in sight that no field ran before one that wants a proof.
 */
export function mayRepeat(results: readonly GraphQLResult[], { kind, first }: Sent): boolean {
  return (
    kind === 'read' ||
    results.every(({ data, errors = [] }) => {
      const values = Object.values(data ?? {})
      const refused = errors.filter(
        error => (isRefusal(error) || wantsProof(error)) && isNothing(error.path?.[1]),
      )
      const path = refused[0]?.path ?? [first]
      return (
        values.every(isNothing) &&
        refused.length >= (values.length || 1) &&
        (kind === 'other' ? data || !errors.some(wantsProof) : path[0] === first)
      )
    })
  )
}

/**
 * The answers in a response; a batch has several. A 401 without a code does not come from the auth server, but from a
 * gateway or proxy: it counts as a refusal of the token.
 *
 * @param status 0 for a request that was repeated already: a second 401 without a code is passed on
 * @param json the body, if it was JSON
 */
export function readResults(status: number, json: unknown): GraphQLResult[] {
  const results = [json].flat().map(each => Object(each) as GraphQLResult)
  const isBare = status === 401 && !errorsOf(results).some(codeOf)
  return isBare
    ? results.map(each => ({ ...each, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }))
    : results
}

const codeOf = (error: GraphQLFailure | undefined) => error?.extensions?.code

/** The server is busy or away. A later try may succeed. */
export const isPassing = (error: GraphQLFailure | undefined) =>
  /^(UNAVAILABLE$|TOO_MANY)/.test(codeOf(error) as string)

/**
 * The error for which a request may be tried again: the answers have no data, and every error is passing. Decided by
 * code and not only by status, because gateways answer 200.
 */
export function passingError(results: readonly GraphQLResult[]): GraphQLFailure | undefined {
  const errors = errorsOf(results)
  const values = results.flatMap(({ data }) => Object.values(data ?? {}))
  return errors.every(isPassing) && values.every(isNothing) ? errors[0] : undefined
}

/** The errors of all answers. */
export const errorsOf = (results: readonly GraphQLResult[]) => results.flatMap(({ errors }) => errors ?? [])
const isNothing = (value: unknown) => value == null

/** The access token, or its absence, was refused. */
export const isRefusal = (error: GraphQLFailure) => codeOf(error) === 'UNAUTHENTICATED'

/** The access token does not prove enough. */
export const wantsProof = (error: GraphQLFailure) => codeOf(error) === 'REAUTHENTICATION_REQUIRED'
