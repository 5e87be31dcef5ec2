import { type ASTVisitor, GraphQLError, getNamedType, type ValidationContext } from 'graphql'

/**
 * A rule of validation that refuses introspection (ANNUL_INTROSPECTION=off), and the SDL that a subgraph shows to gateways,
 * which says the same. `__typename` is no introspection.
 */
export function noIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      const type = context.getType()
      const isService = type && getNamedType(type).name === '_Service'
      if (!isService && node.name.value !== '__schema' && node.name.value !== '__type') return
      context.reportError(
        new GraphQLError('Introspection is off on this server (ANNUL_INTROSPECTION).', { nodes: [node] }),
      )
    },
  }
}
