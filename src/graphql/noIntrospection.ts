import { type ASTVisitor, GraphQLError, type ValidationContext } from 'graphql'

/** A rule of validation that refuses introspection (ANNUL_INTROSPECTION=off). `__typename` is no introspection. */
export function noIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.name.value !== '__schema' && node.name.value !== '__type') return
      context.reportError(
        new GraphQLError('Introspection is off on this server (ANNUL_INTROSPECTION).', { nodes: [node] }),
      )
    },
  }
}
