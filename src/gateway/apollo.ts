import type { ApolloServerPlugin } from '@apollo/server'
import { finishAnswer } from './finishAnswer.ts'
import { type GatewayContext, passageOf } from './passage.ts'

export {
  type SourceAnswer,
  type SourceRequest,
  type SubgraphSource,
  type SubgraphSourceOptions,
  subgraphSource,
} from './apolloSource.ts'

/**
 * For a gateway on Apollo Server: the HTTP statuses 401, 429 and 503 with their headers, and `extensions.annul`, which are
 * lost on the way from Annul through the gateway.
 *
 * @example
 * new ApolloServer({ schema, plugins: [gatewayPlugin()] })   // with context: gateway.context
 */
export function gatewayPlugin(): ApolloServerPlugin<GatewayContext> {
  return { requestDidStart: async () => hooks }
}

const hooks: Awaited<ReturnType<NonNullable<ApolloServerPlugin<GatewayContext>['requestDidStart']>>> = {
  async willSendResponse({ contextValue, response: { body, http } }) {
    // Answers carry tokens, or depend on one.
    if (!http.headers.has('cache-control')) http.headers.set('cache-control', 'no-store')
    if (body.kind !== 'single') return
    const { singleResult } = body
    const { refusal, annul } = finishAnswer(passageOf(contextValue), singleResult.data, singleResult.errors)
    if (refusal) {
      http.status = refusal.status
      http.headers.set(...refusal.header)
    }
    if (annul) singleResult.extensions = { ...singleResult.extensions, annul }
  },
}
