import type { ApolloServerPlugin, HTTPGraphQLHead } from '@apollo/server'
import type { GraphQLFormattedError } from 'graphql'
import { AuthError } from '../errors.ts'
import { type GraphQLContext, type RequestState, stateOf } from '../request/context.ts'
import { readRenewalProof } from '../request/renewalProof.ts'
import { renewAccessToken } from '../sessions/renewAccessToken.ts'
import { hasSession } from '../viewer.ts'
import { checkVariables } from './bounds.ts'
import { overallCode } from './formatErrors.ts'

/**
 * For Apollo Server. Sets the HTTP status when the response is complete, because the status depends on whether there is
 * data beside the errors. Puts a renewed access token and the wait for all nodes into `extensions.annul`.
 * Refuses variables that are nested too deeply to be read.
 */
export const responsePlugin: ApolloServerPlugin<GraphQLContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ request }) {
        checkVariables(request.variables)
      },
      async willSendResponse({ contextValue, response }) {
        if (response.body.kind !== 'single') return
        const { singleResult } = response.body
        const { data, errors } = singleResult
        if (errors?.length) setStatus(response.http, overallCode(data, errors), errors)
        const annul = await extensionOf(stateOf(contextValue.auth))
        if (annul) singleResult.extensions = { ...singleResult.extensions, annul }
      },
    }
  },
}

async function extensionOf(state: RequestState): Promise<Record<string, unknown> | undefined> {
  const waitedMs = state.revokedOnAllNodesMs()
  const renewed = await renewFor(state)
  if (waitedMs === undefined) return renewed && { ...renewed }
  return { ...renewed, revokedOnAllNodesMs: Math.round(waitedMs * 10) / 10 }
}

/** Renews only for a client that asks, with proof. Without a renewal the client loses nothing: its token stays valid. */
async function renewFor(state: RequestState) {
  const viewer = state.lastDecision()
  const proof = readRenewalProof(state)
  if (proof === undefined || viewer === undefined || viewer instanceof AuthError) return undefined
  if (!hasSession(viewer)) return undefined
  return renewAccessToken(state.parts, viewer, proof).catch(() => undefined)
}

function setStatus(
  http: HTTPGraphQLHead,
  code: string | undefined,
  errors: readonly GraphQLFormattedError[],
): void {
  const retryAfter = String(Math.max(...errors.map(error => Number(error.extensions?.retryAfter) || 1)))
  switch (code) {
    case 'UNAUTHENTICATED':
      http.status = 401
      http.headers.set('www-authenticate', challenge(errors[0]))
      break
    case 'UNAVAILABLE':
      http.status = 503
      http.headers.set('retry-after', retryAfter)
      break
    case 'TOO_MANY_REQUESTS':
      http.status = 429
      http.headers.set('retry-after', retryAfter)
      break
  }
}

/** A request without a token is told the scheme and no error code (RFC 6750, 3). */
function challenge(error: GraphQLFormattedError | undefined): string {
  if (error?.extensions?.reason === 'TOKEN_MISSING') return 'Bearer realm="annul"'
  return `Bearer realm="annul", error="invalid_token", error_description="${error?.message ?? ''}"`
}
