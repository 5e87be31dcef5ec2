import type {
  ApolloServerPlugin,
  GraphQLRequestContextWillSendResponse,
  GraphQLRequestListener,
} from '@apollo/server'
import type { OperationBounds } from '../graphql/bounds/operationBounds.ts'
import { finishResponse, refuseSubscription } from '../graphql/responsePlugin.ts'
import { type GraphQLContext, stateOf } from '../request/context.ts'
import type { RequestNote } from './logRequests.ts'

/** The context that this server makes: an app's fields see `auth`. */
export interface ServerContext extends GraphQLContext {
  readonly note: RequestNote
  /** The header of the request. */
  readonly accept?: string | undefined
}

/** Annul's plugin for Apollo Server, which also notes what the log line of a request says. */
export function serverPlugin(bounds: OperationBounds): ApolloServerPlugin<ServerContext> {
  // One plugin and one object for all requests: Apollo awaits each hook of each plugin.
  const hooks: GraphQLRequestListener<ServerContext> = {
    async didResolveOperation({ schema, document, request, operation }) {
      refuseSubscription(operation)
      bounds.check(schema, document, request.variables)
    },
    async willSendResponse(request) {
      const finishing = finishResponse(request, request.contextValue.accept)
      if (finishing) await finishing
      note(request)
    },
  }
  return {
    async requestDidStart() {
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
