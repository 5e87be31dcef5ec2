import type { GraphQLNamedType, GraphQLResolveInfo } from 'graphql'

type Extended = Pick<GraphQLNamedType, 'extensions'>

/* Apollo Federation: a gateway's `_entities` looks up a type's objects by the type's `__resolveReference`. */

/** A `__resolveReference` as `@apollo/subgraph` keeps it. */
export type ResolveReference<Context> = (
  reference: object,
  context: Context,
  info: GraphQLResolveInfo,
) => unknown

/** The `__resolveReference` of a type, if the type has one. */
export function referencesOf<Context>(type: Extended): ResolveReference<Context> | undefined {
  return subgraphOf(type).resolveReference as ResolveReference<Context> | undefined
}

/** The type's extensions, with another `__resolveReference`. */
export function extensionsWith<Context>(
  type: Extended,
  resolveReference: ResolveReference<Context>,
): GraphQLNamedType['extensions'] {
  const subgraph = { ...subgraphOf(type), resolveReference }
  return { ...type.extensions, apollo: { ...apolloOf(type), subgraph } }
}

function apolloOf(type: Extended): { readonly subgraph?: Record<string, unknown> } {
  return type.extensions.apollo ?? {}
}

function subgraphOf(type: Extended): Record<string, unknown> {
  return apolloOf(type).subgraph ?? {}
}
