import type {
  ApolloServerPlugin,
  GraphQLRequestContextWillSendResponse,
  GraphQLRequestListener,
} from '@apollo/server'
import type { OperationBounds } from '../graphql/bounds/operationBounds.ts'
import type { Allowlist } from '../graphql/operations/allowlist.ts'
import { openApolloOperations } from '../graphql/operations/apolloOperations.ts'
import { finishResponse, refuseSubscription } from '../graphql/responsePlugin.ts'
import { beginOperation, endOperation } from '../graphql/traceOperation.ts'
import { type GraphQLContext, stateOf } from '../request/context.ts'
import type { RequestNote } from './logRequests.ts'

/** The context that this server makes: an app's fields see `auth`. */
export interface ServerContext extends GraphQLContext {
  readonly note: RequestNote
  /** The header of the request. */
  readonly accept?: string | undefined
}

/** Annul's plugin for Apollo Server, which also notes what the log line of a request says. */
export function serverPlugin(
  bounds: OperationBounds,
  allowlist: Allowlist | undefined,
): ApolloServerPlugin<ServerContext> {
  const operations = openApolloOperations(allowlist)
  // One plugin and one object for all requests: Apollo awaits each hook of each plugin.
  const hooks: GraphQLRequestListener<ServerContext> = {
    async didResolveOperation({ schema, document, request, contextValue, operation }) {
      beginOperation(stateOf(contextValue.auth), operation)
      operations.check(request)
      refuseSubscription(operation)
      bounds.check(schema, document, request.variables)
    },
    async willSendResponse(request) {
      const finishing = finishResponse(request, request.contextValue.accept)
      if (finishing) await finishing
      endOperation(stateOf(request.contextValue.auth))
      note(request)
    },
  }
  return {
    async requestDidStart({ request }) {
      operations.take(request)
      return hooks
    },
  }
}

function note({ contextValue, response, operation }: GraphQLRequestContextWillSendResponse<ServerContext>) {
  const { note, auth } = contextValue
  if (operation?.name) note.operation = operation.name.value.slice(0, 100)
  const userId = stateOf(auth).userId()
  if (userId !== undefined) note.userId = userId
  if (response.body.kind !== 'single') return
  const { errors } = response.body.singleResult
  if (errors?.length) note.code = [...new Set(errors.map(error => String(error.extensions?.code)))].join()
}
