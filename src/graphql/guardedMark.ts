import type { GraphQLSchema } from 'graphql'

/* Adapters of servers refuse a schema whose `@auth` is not enforced. They know an enforced one by this mark. */

const key = 'annul'

/** Marks a schema whose `@auth` is enforced. Tools that transform a schema keep the mark, as they keep its resolvers. */
export function markGuarded(schema: GraphQLSchema): GraphQLSchema {
  schema.extensions = { ...schema.extensions, [key]: { ...Object(schema.extensions[key]), guarded: true } }
  return schema
}

/** Whether guardSchema has made the schema. */
export function isGuarded(schema: GraphQLSchema): boolean {
  return Object(schema.extensions[key]).guarded === true
}
