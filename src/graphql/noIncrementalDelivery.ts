import { type ASTVisitor, GraphQLError, type ValidationContext } from 'graphql'

/**
 * A rule of validation that refuses `@defer` and `@stream`, before anything is carried out. The parts that come later
 * would rest on the decision that was made for the first part, although the token may have died in between.
 */
export function noIncrementalDelivery(context: ValidationContext): ASTVisitor {
  return {
    Directive(node) {
      if (node.name.value !== 'defer' && node.name.value !== 'stream') return
      context.reportError(
        new GraphQLError('Incremental delivery (@defer, @stream) is not supported by this server.', {
          nodes: [node],
        }),
      )
    },
  }
}
