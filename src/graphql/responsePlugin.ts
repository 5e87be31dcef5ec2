import type { ApolloServerPlugin } from '@apollo/server'
import { type GraphQLContext, stateOf } from '../request/context.ts'
import { annulExtension, refusalOf } from './answer.ts'
import { checkVariables } from './bounds.ts'

/**
 * For Apollo Server: the HTTP status, `extensions.annul`, and a refusal of variables that are nested too deeply to be
 * read.
 */
export const responsePlugin: ApolloServerPlugin<GraphQLContext> = {
  async requestDidStart() {
    return hooks
  },
}

// One object for all requests: the hooks keep nothing of a request.
const hooks: Awaited<ReturnType<NonNullable<typeof responsePlugin.requestDidStart>>> = {
  async didResolveOperation({ request }) {
    checkVariables(request.variables)
  },
  async willSendResponse({ contextValue, response }) {
    if (response.body.kind !== 'single') return
    const { singleResult } = response.body
    const refusal = refusalOf(singleResult.data, singleResult.errors)
    if (refusal) {
      response.http.status = refusal.status
      response.http.headers.set(...refusal.header)
    }
    const annul = await annulExtension(stateOf(contextValue.auth))
    if (annul) singleResult.extensions = { ...singleResult.extensions, annul }
  },
}
