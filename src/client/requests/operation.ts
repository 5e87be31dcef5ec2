import { parse } from '../platform/text.ts'
import type { GraphQLResult, Sent } from '../types.ts'

type Operation = { readonly query?: unknown }

/**
 * What the JSON of a POST asks for, seen without a GraphQL parser. Wherever that is not certain the answer is the careful
 * one: not to send a mutation twice.
 */
export function describe(json: string): Sent {
  const operations = [parse<Operation | Operation[]>(json)].flat()
  const queries = operations.map(operation => operation?.query)
  const fields = queries.join(' ')
  if (!queries.every(query => typeof query === 'string')) return { kind: 'other', fields }
  if (!/\bmutation\b/.test(fields)) return { kind: 'read', fields }
  const first = queries.length < 2 ? /\bmutation\b[^{]*{\s*(\w+)/.exec(fields)?.[1] : undefined
  return { kind: 'write', first, fields }
}

/**
 * Whether a request that was refused for its token may be sent again: a query always, a mutation only when none of its
 * fields was carried out. They run in order, and a failed field without null stops the rest and leaves no data at all.
 */
export function mayRepeat(results: readonly GraphQLResult[], { kind, first }: Sent): boolean {
  return (
    kind === 'read' ||
    results.every(({ data, errors = [] }) => {
      const values = Object.values(data ?? {})
      const refused = errors.filter(({ path = [], ...error }) => isRefusal(error) && path.length < 2)
      const path = refused[0]?.path ?? [first]
      return (
        values.every(value => value == null) &&
        refused.length >= Math.max(1, values.length) &&
        (kind === 'other' || path[0] === first)
      )
    })
  )
}

/** The access token, or its absence, was refused. */
export function isRefusal(error: {
  readonly extensions?: Readonly<Record<string, unknown>> | undefined
}): boolean {
  return error.extensions?.code === 'UNAUTHENTICATED'
}
