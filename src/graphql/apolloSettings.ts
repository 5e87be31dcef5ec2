import type { ASTVisitor, GraphQLFormattedError, GraphQLSchema, ValidationContext } from 'graphql'
import type { Config } from '../config.ts'
import type { OperationBounds } from './bounds/operationBounds.ts'
import { noIntrospection } from './noIntrospection.ts'
import type { Allowlist } from './operations/allowlist.ts'
import { responsePlugin } from './responsePlugin.ts'

/** Options of Apollo Server 5, in types of their own: other servers' apps install no Apollo. */
export interface ApolloSettings {
  readonly formatError: (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError
  readonly plugins: ApolloPlugin[]
  readonly includeStacktraceInErrorResponses: false
  readonly introspection: true
  /** Refuses introspection where it is off (ANNUL_INTROSPECTION), without Apollo's advice on how to turn it on. */
  readonly validationRules: ((context: ValidationContext) => ASTVisitor)[]
  readonly parseOptions: { readonly maxTokens: number }
}

/** A plugin of Apollo Server: the HTTP status, and `extensions.annul`. An unguarded schema does not start. */
export interface ApolloPlugin {
  serverWillStart(service: { readonly schema: GraphQLSchema }): Promise<void>
  requestDidStart(): Promise<{
    didResolveOperation(context: unknown): Promise<void>
    willSendResponse(context: unknown): Promise<void>
  }>
}

/** @internal */
export function apolloSettings(
  { introspection }: Config,
  { bounds, operations }: { bounds: OperationBounds; operations: Allowlist | undefined },
  formatError: ApolloSettings['formatError'],
): ApolloSettings {
  return {
    formatError,
    plugins: [responsePlugin(bounds, operations) as unknown as ApolloPlugin],
    includeStacktraceInErrorResponses: false,
    introspection: true,
    validationRules: introspection ? [] : [noIntrospection],
    parseOptions: { maxTokens: bounds.tokens },
  }
}
