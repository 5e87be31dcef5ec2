import type { ApolloServerPlugin } from '@apollo/server'
import { type GraphQLContext, stateOf } from '../request/context.ts'
import type { RequestNote } from './logRequests.ts'

/** The context that this server makes: an app's fields see `auth`. */
export interface ServerContext extends GraphQLContext {
  readonly note: RequestNote
}

/** Notes what the log line of a request says. */
export const logPlugin: ApolloServerPlugin<ServerContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ contextValue, response, operation }) {
        const { note, auth } = contextValue
        if (operation?.name) note.operation = operation.name.value.slice(0, 100)
        const userId = stateOf(auth).userId()
        if (userId !== undefined) note.userId = userId
        if (response.body.kind !== 'single') return
        const { errors } = response.body.singleResult
        if (errors?.length)
          note.code = [...new Set(errors.map(error => String(error.extensions?.code)))].join()
      },
    }
  },
}
