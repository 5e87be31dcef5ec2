import type {
  ApolloServerPlugin,
  GraphQLRequestContextWillSendResponse,
  GraphQLRequestListener,
} from '@apollo/server'
import { GraphQLError, type OperationDefinitionNode } from 'graphql'
import { type GraphQLContext, stateOf } from '../request/context.ts'
import { annulExtension, refusalOf } from './answer.ts'
import { checkVariables } from './bounds.ts'
import { ensureGuarded, givenUnguarded } from './keepGuarded.ts'

/**
 * For Apollo Server: the HTTP status, `extensions.annul`, and a refusal of variables that are nested too deeply to be
 * read. A server with a schema whose `@auth` nobody enforces does not start.
 */
export const responsePlugin: ApolloServerPlugin<GraphQLContext> = {
  async serverWillStart({ schema }) {
    ensureGuarded(schema, givenUnguarded('ApolloServer'))
  },
  async requestDidStart() {
    return hooks
  },
}

// One object for all requests: the hooks keep nothing of a request.
const hooks: GraphQLRequestListener<GraphQLContext> = {
  async didResolveOperation({ request, requestIsBatched, operation }) {
    if (requestIsBatched) throw batchRefused()
    refuseSubscription(operation)
    checkVariables(request.variables)
  },
  async willSendResponse(request) {
    await finishResponse(request)
  },
}

/** Apollo gives one context and one HTTP status to all operations of a batch, and a decision holds for one operation. */
function batchRefused(): GraphQLError {
  return new GraphQLError('Batches of operations are not supported by this server.', {
    extensions: { code: 'BAD_REQUEST' },
  })
}

/**
 * Apollo Server would carry out a subscription over HTTP as if it were a query, and answer with an error of its own.
 *
 * @throws GraphQLError
 */
export function refuseSubscription(operation: OperationDefinitionNode | undefined): void {
  if (operation?.operation !== 'subscription') return
  throw new GraphQLError('Subscriptions are answered over WebSockets only (graphql-transport-ws).', {
    nodes: operation,
    extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
  })
}

/** Sets status, headers and `extensions.annul`. Usually at once. */
export function finishResponse({
  contextValue,
  response,
}: GraphQLRequestContextWillSendResponse<GraphQLContext>): void | Promise<void> {
  if (response.body.kind !== 'single') return
  const { singleResult } = response.body
  const refusal = refusalOf(singleResult.data, singleResult.errors)
  if (refusal) {
    response.http.status = refusal.status
    response.http.headers.set(...refusal.header)
  }
  return annulExtension(stateOf(contextValue.auth))?.then(annul => {
    if (annul) singleResult.extensions = { ...singleResult.extensions, annul }
  })
}
