import { GraphQLError, type GraphQLSchema } from 'graphql'
import { ensureGuarded, givenUnguarded } from '../graphql/keepGuarded.ts'

/* What can't be enforced on Yoga. */

/** @throws SchemaError for a schema that neither auth.schema nor auth.guard has made */
export function refuseUnguarded(schema: GraphQLSchema): void {
  ensureGuarded(schema, givenUnguarded('createYoga'))
}

/** Another Yoga may lack a hook, and then something would silently not be enforced. */
export function refuseOther(version: string): void {
  const [major, minor = 0] = version.split('.').map(Number)
  if (major !== 5 || minor < 24)
    throw new Error(`annulYoga needs GraphQL Yoga 5.24 or a later version of 5, and this is ${version}.`)
}

/** Ends an answer in parts, which something other than `@defer` has begun. */
export function refuseParts(parts: AsyncIterable<unknown>): GraphQLError {
  Promise.resolve(parts[Symbol.asyncIterator]().return?.()).catch(() => {})
  return new GraphQLError('Answers in parts are not supported by this server.', {
    extensions: { code: 'BAD_REQUEST' },
  })
}
