import type { GraphQLFormattedError } from 'graphql'
import type { Subrequests } from './subrequests.ts'

/** How a subgraph is asked: its address, and what `gateway.toAnnul` or `gateway.toService` has. */
export interface SubgraphSourceOptions extends Subrequests {
  /** The address of the subgraph's `/graphql`. */
  readonly url: string
}

/** What @apollo/gateway takes of `buildService`. This package does not depend on it. */
export interface SubgraphSource {
  process(subrequest: SourceRequest): Promise<SourceAnswer>
}

/** The part of @apollo/gateway's request that is used. */
export interface SourceRequest {
  /** `incoming operation` on behalf of a client; else the gateway's own, for a schema or for its health. */
  readonly kind: string
  readonly request: {
    readonly query?: string
    readonly operationName?: string
    readonly variables?: Record<string, unknown>
  }
  readonly context: unknown
}

/** A subgraph's answer as @apollo/gateway reads it. */
export interface SourceAnswer {
  readonly data?: Record<string, unknown> | null
  readonly errors?: readonly GraphQLFormattedError[]
  readonly extensions?: Record<string, unknown>
}

const json = { 'content-type': 'application/json', accept: 'application/json' }

/**
 * For @apollo/gateway: asks a subgraph on behalf of the client, with the headers that belong there, and hands back what
 * Annul has for the client.
 *
 * @throws (the promise is rejected) Error where the gateway's own request is not answered; the signal's reason when the
 * client has gone; TypeError for a context that the gateway kit has not made
 * @example
 * const gateway = createGateway()
 * new ApolloGateway({
 *   supergraphSdl,
 *   buildService: ({ name, url }) => subgraphSource({ url, ...(name === 'annul' ? gateway.toAnnul : gateway.toService) }),
 * })
 */
export function subgraphSource({ url, ...subrequests }: SubgraphSourceOptions): SubgraphSource {
  return {
    async process({ kind, request: { query, operationName, variables }, context }) {
      const body = JSON.stringify({ query, operationName, variables })
      if (kind !== 'incoming operation') return askForItself(url, body)
      const headers = { ...json, ...subrequests.headers({ context }) }
      const response = await subrequests.fetch(url, { method: 'POST', headers, body }, context)
      return response.json() as Promise<SourceAnswer>
    },
  }
}

/** On nobody's behalf, so that no token is sent. */
async function askForItself(url: string, body: string): Promise<SourceAnswer> {
  const response = await fetch(url, { method: 'POST', headers: json, body, redirect: 'error' })
  return response.json() as Promise<SourceAnswer>
}
