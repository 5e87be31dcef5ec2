import {
  GraphQLError,
  getOperationAST,
  type OperationTypeNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import type { Config } from '../config.ts'
import { checkNesting, checkVariables, maxTokens, noIntrospection } from '../graphql/bounds.ts'

/* Operations over WebSockets, bounded and validated as Apollo Server does it for HTTP. */

/** The kind of an operation, or why it can't be read; undefined where the document has none of that name. */
export function readOperation(payload: SubscribePayload): OperationTypeNode | GraphQLError | undefined {
  try {
    checkVariables(payload.variables)
    checkNesting(payload.query)
    return getOperationAST(parse(payload.query, { maxTokens }), payload.operationName)?.operation
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    const { message, source, positions, extensions } = error
    return new GraphQLError(message, {
      source,
      positions,
      extensions: { code: 'GRAPHQL_PARSE_FAILED', ...extensions },
    })
  }
}

/** graphql's validation; without introspection where that is off (ANNUL_INTROSPECTION). */
export function validatorFor({ introspection }: Config): typeof validate {
  const rules = introspection ? specifiedRules : [...specifiedRules, noIntrospection]
  return (schema, document) => validate(schema, document, rules)
}
