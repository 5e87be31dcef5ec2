import { type ExecutionResult, GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql'
import { isBeyondBound } from '../graphql/bounds/limits.ts'
import { isSubgraph } from '../graphql/federation.ts'
import { type Refusal, refusalOf } from '../graphql/refusal.ts'

/* Yoga takes an answer's status and headers from `extensions.http`, which it does not send. */

/** The answer, with the HTTP status that its errors ask for. */
export function withStatus<Result extends ExecutionResult>(
  result: Result,
  schema: GraphQLSchema | undefined,
): Result {
  if (result.errors && isSubgraph(schema))
    return {
      ...result,
      errors: result.errors.map(withoutStatus),
      extensions: { ...result.extensions, http: { status: 200 } },
    }
  const errors = formatted(result)
  const refusal = refusalOf(result.data, errors)
  const http = refusal
    ? httpOf(refusal)
    : result.data == null && isBeyond(errors)
      ? { status: 400 }
      : undefined
  return http ? { ...result, extensions: { ...result.extensions, http } } : result
}

/** Yoga takes the highest status of all errors. */
function withoutStatus(error: GraphQLError): GraphQLError {
  const { http, ...extensions } = error.extensions
  if (http === undefined) return error
  const { message, nodes, source, positions, path } = error
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions,
  })
}

/** Yoga takes such a refusal by the parser for any syntax error, which it answers with 200 to some clients. */
function isBeyond(errors: readonly GraphQLFormattedError[]): boolean {
  return errors.some(({ extensions }) => isBeyondBound(extensions?.code))
}

/** The answers of a batch. The HTTP status is 200, unless all operations were refused alike. */
export function withStatusOfAll<Result extends ExecutionResult>(results: Result[]): Result[] {
  if (results.length === 0 || results.some(({ errors }) => !errors?.length)) return results
  const values = results.flatMap(({ data }) => Object.values(data ?? {}))
  const refusal = refusalOf(values, results.flatMap(formatted))
  return refusal ? Object.assign([...results], { extensions: { http: httpOf(refusal) } }) : results
}

function httpOf({ status, header: [name, value] }: Refusal) {
  return { status, headers: { [name]: value } }
}

function formatted({ errors = [] }: ExecutionResult): GraphQLFormattedError[] {
  return errors.map(error => error.toJSON())
}
