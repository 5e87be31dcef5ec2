import type { ApolloServerPlugin, HTTPGraphQLHead } from '@apollo/server'
import type { GraphQLFormattedError } from 'graphql'
import { AuthError } from '../errors.ts'
import type { GraphQLContext } from '../graphql/context.ts'
import { overallCode } from '../graphql/errors.ts'
import type { RequestNote } from './logging.ts'

/** The context that this server makes: an app's fields see `auth`. */
export interface ServerContext extends GraphQLContext {
  readonly note: RequestNote
}

/**
 * Sets the HTTP status where the response leaves, because only there is it known whether there is data beside the
 * errors; and notes what the log line says.
 */
export const responsePlugin: ApolloServerPlugin<ServerContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ contextValue, response, operation }) {
        const { note, auth } = contextValue
        if (operation?.name) note.operation = operation.name.value
        const viewer = auth.lastDecision()
        if (viewer && !(viewer instanceof AuthError)) note.userId = viewer.userId
        if (response.body.kind !== 'single') return
        const { data, errors } = response.body.singleResult
        if (!errors?.length) return
        note.code = [...new Set(errors.map(error => String(error.extensions?.code)))].join()
        setStatus(response.http, overallCode(data, errors), errors)
      },
    }
  },
}

function setStatus(
  http: HTTPGraphQLHead,
  code: string | undefined,
  errors: readonly GraphQLFormattedError[],
): void {
  const retryAfter = Math.max(...errors.map(error => Number(error.extensions?.retryAfter) || 1))
  switch (code) {
    case 'UNAUTHENTICATED':
      http.status = 401
      http.headers.set('www-authenticate', challenge(errors[0]))
      break
    case 'UNAVAILABLE':
      http.status = 503
      http.headers.set('retry-after', String(retryAfter))
      break
    case 'TOO_MANY_REQUESTS':
      http.status = 429
      http.headers.set('retry-after', String(retryAfter))
      break
  }
}

/** RFC 6750, 3: a request that brought no token is told nothing but the scheme. */
function challenge(error: GraphQLFormattedError | undefined): string {
  if (error?.extensions?.reason === 'TOKEN_MISSING') return 'Bearer realm="annul"'
  return `Bearer realm="annul", error="invalid_token", error_description="${error?.message ?? ''}"`
}
