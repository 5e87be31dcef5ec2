import type {
  ApolloServerPlugin,
  GraphQLRequestContextWillSendResponse,
  GraphQLRequestListener,
} from '@apollo/server'
import { GraphQLError, type OperationDefinitionNode } from 'graphql'
import { type GraphQLContext, stateOf } from '../request/context.ts'
import { annulExtension } from './answer.ts'
import { isAnsweredWith200 } from './answeredWith200.ts'
import { refuseLargeBody } from './bounds/body.ts'
import type { OperationBounds } from './bounds/operationBounds.ts'
import { isSubgraph } from './federation.ts'
import { ensureGuarded, givenUnguarded } from './keepGuarded.ts'
import type { Allowlist } from './operations/allowlist.ts'
import { openApolloOperations } from './operations/apolloOperations.ts'
import { refusalOf } from './refusal.ts'
import { beginOperation, endOperation } from './traceOperation.ts'

/**
 * For Apollo Server: the HTTP status, `extensions.annul`, and a refusal of operations beyond the bounds or the list. A server with a
 * schema whose `@auth` nobody enforces does not start.
 */
export function responsePlugin(
  bounds: OperationBounds,
  allowlist: Allowlist | undefined,
): ApolloServerPlugin<GraphQLContext> {
  const operations = openApolloOperations(allowlist)
  // One object for all requests: the hooks keep nothing of a request.
  const hooks: GraphQLRequestListener<GraphQLContext> = {
    async didResolveOperation({ schema, document, request, requestIsBatched, contextValue, operation }) {
      if (requestIsBatched) throw batchRefused()
      beginOperation(stateOf(contextValue.auth), operation)
      // The server of the app has read the body, whatever its own limit is.
      const tooLarge = refuseLargeBody(request.http?.headers.get('content-length'))
      if (tooLarge) throw tooLarge
      operations.check(request)
      refuseSubscription(operation)
      bounds.check(schema, document, request.variables)
    },
    async willSendResponse(request) {
      await finishResponse(request, request.request.http?.headers.get('accept'))
      endOperation(stateOf(request.contextValue.auth))
    },
  }
  return {
    async serverWillStart({ schema }) {
      ensureGuarded(schema, givenUnguarded('ApolloServer'))
    },
    async requestDidStart({ request }) {
      operations.take(request)
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
  { contextValue, response, schema }: GraphQLRequestContextWillSendResponse<GraphQLContext>,
  accept: string | undefined,
): void | Promise<void> {
  if (response.body.kind !== 'single') return
  const { singleResult } = response.body
  const refusal = refusalOf(singleResult.data, singleResult.errors)
  if (isSubgraph(schema)) {
    response.http.status = 200
  } else if (refusal) {
    response.http.status = refusal.status
    response.http.headers.set(...refusal.header)
  } else if (response.http.status === 400 && isAnsweredWith200(accept, singleResult)) {
    response.http.status = 200
  }
  return annulExtension(stateOf(contextValue.auth))?.then(annul => {
    if (annul) singleResult.extensions = { ...singleResult.extensions, annul }
  })
}
