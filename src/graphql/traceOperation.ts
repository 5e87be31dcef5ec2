import { type OperationDefinitionNode, OperationTypeNode } from 'graphql'
import { type GraphQLContext, type RequestState, stateOf } from '../request/context.ts'
import { inSpan, isTracing, startSpan } from '../tracing.ts'
import type { Resolvers } from './generated.ts'

/**
 * Opens the span of an operation, whose children are the verbs: its type and name, never its document or variables.
 * Apollo Server carries operations out where no span of ours can be active, so the request's state keeps it.
 */
export function beginOperation(
  state: RequestState,
  operation: OperationDefinitionNode | null | undefined,
): void {
  if (!isTracing()) return
  const type = operation?.operation ?? OperationTypeNode.QUERY
  const name = operation?.name?.value.slice(0, 100)
  state.operation = startSpan(type, {
    'graphql.operation.type': type,
    ...(name !== undefined && { 'graphql.operation.name': name }),
  })
}

/** Ends the span of an operation, if one is open. */
export function endOperation(state: RequestState): void {
  state.operation?.end()
  state.operation = undefined
}

/** Carries an operation out in its span, so that the app's own spans are its children too. */
export function inOperation<T>(
  state: RequestState,
  operation: () => OperationDefinitionNode | null | undefined,
  work: () => T,
): T {
  if (!isTracing()) return work()
  beginOperation(state, operation())
  const done = () => endOperation(state)
  const result = state.operation === undefined ? work() : state.operation.run(work)
  if (result instanceof Promise) result.then(done, done)
  else done()
  return result
}

type Field = (source: unknown, args: unknown, context: GraphQLContext, info: unknown) => unknown

/** Annul's own fields, each in a span of its own: under the operation's where there is one. */
export function traceVerbs(resolvers: Resolvers): Resolvers {
  const traced = (fields: object | undefined) =>
    Object.fromEntries(
      Object.entries((fields ?? {}) as Record<string, Field>).map(([name, field]) => {
        const verb = (...asked: Parameters<Field>) => {
          if (!isTracing()) return field(...asked)
          const inVerb = () => inSpan(`annul.${name}`, { 'annul.verb': name }, () => field(...asked))
          const { operation } = stateOf(asked[2].auth)
          return operation ? operation.run(inVerb) : inVerb()
        }
        return [name, verb]
      }),
    )
  return { ...resolvers, Query: traced(resolvers.Query), Mutation: traced(resolvers.Mutation) } as Resolvers
}
