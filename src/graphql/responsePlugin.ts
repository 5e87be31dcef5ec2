import type {
  ApolloServerPlugin,
  GraphQLRequestContextWillSendResponse,
  GraphQLRequestListener,
} from '@apollo/server'
import { GraphQLError, type OperationDefinitionNode } from 'graphql'
import { type GraphQLContext, stateOf } from '../request/context.ts'
import { annulExtension, refusalOf } from './answer.ts'
import { isAnsweredWith200 } from './answeredWith200.ts'
import type { OperationBounds } from './bounds/operationBounds.ts'
import { ensureGuarded, givenUnguarded } from './keepGuarded.ts'

/**
 * For Apollo Server: the HTTP status, `extensions.annul`, and a refusal of operations beyond the bounds. A server with a
 * schema whose `@auth` nobody enforces does not start.
 */
export function responsePlugin(bounds: OperationBounds): ApolloServerPlugin<GraphQLContext> {
  // One object for all requests: the hooks keep nothing of a request.
  const hooks: GraphQLRequestListener<GraphQLContext> = {
    async didResolveOperation({ schema, document, request, requestIsBatched, operation }) {
      if (requestIsBatched) throw batchRefused()
      refuseSubscription(operation)
      bounds.check(schema, document, request.variables)
    },
    async willSendResponse(request) {
      await finishResponse(request, request.request.http?.headers.get('accept'))
    },
  }
  return {
    async serverWillStart({ schema }) {
      ensureGuarded(schema, givenUnguarded('ApolloServer'))
    },
    async requestDidStart() {
      return hooks
    },
  }
}

/** Apollo gives one context and one HTTP status to all operations of a batch, and a decision holds for one operation. */
function batchRefused(): GraphQLError {
  return new GraphQLError('Batches of operations are not supported by this server.', {
    extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
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

/**
 * Sets status, headers and `extensions.annul`. Usually at once.
 *
 * @param accept the header of the request
 */
export function finishResponse(
  { contextValue, response }: GraphQLRequestContextWillSendResponse<GraphQLContext>,
  accept: string | undefined,
): void | Promise<void> {
  if (response.body.kind !== 'single') return
  const { singleResult } = response.body
  const refusal = refusalOf(singleResult.data, singleResult.errors)
  if (refusal) {
    response.http.status = refusal.status
    response.http.headers.set(...refusal.header)
  } else if (response.http.status === 400 && isAnsweredWith200(accept, singleResult)) {
    response.http.status = 200
  }
  return annulExtension(stateOf(contextValue.auth))?.then(annul => {
    if (annul) singleResult.extensions = { ...singleResult.extensions, annul }
  })
}
