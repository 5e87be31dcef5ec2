import { readFileSync } from 'node:fs'
import { buildGraphQLWSExecutor } from '@graphql-tools/executor-graphql-ws'
import { buildHTTPExecutor } from '@graphql-tools/executor-http'
import { stitchSchemas } from '@graphql-tools/stitch'
import { type Gateway, socketEvents } from 'annul/gateway'
import { buildSchema, type GraphQLSchema } from 'graphql'
import type { Service } from './services.js'

/** Written by `annul schema --format stitching`, with the directives, which introspection would not show. */
const sdl = readFileSync('annul.graphql', 'utf8')

/** Everything behind one address. Users are Annul's; orders and reviews are added to them by their ids. */
export function stitch(gateway: Gateway, annul: string, orders: Service, reviews: Service): GraphQLSchema {
  return stitchSchemas({
    // @auth stays visible. Annul itself guards its fields, and each service guards its own.
    mergeDirectives: true,
    subschemas: [
      { schema: buildSchema(sdl), executor: annulAt(annul, gateway), merge: { User: usersBy('_users') } },
      {
        schema: orders.schema,
        executor: buildHTTPExecutor({ endpoint: orders.endpoint, ...gateway.toService }),
        batch: true,
        merge: { User: usersBy('ordersOf') },
      },
      {
        schema: reviews.schema,
        executor: buildHTTPExecutor({ endpoint: reviews.endpoint, ...gateway.toService }),
        merge: { User: usersBy('reviewsOf') },
      },
    ],
  })
}

/** One question for all users of an answer. */
function usersBy(fieldName: string) {
  return {
    selectionSet: '{ id }',
    fieldName,
    key: ({ id }: { id: string }) => id,
    argsFromKeys: (ids: readonly string[]) => ({ ids }),
  }
}

type Ask = ReturnType<typeof buildHTTPExecutor>

/** Subscriptions go by a WebSocket of their own, because its token is the client's. */
function annulAt(endpoint: string, gateway: Gateway): Ask {
  const ask = buildHTTPExecutor({ endpoint, ...gateway.toAnnul })
  const subscribe = (request: Parameters<Ask>[0]) => {
    const { authorization = '' } = gateway.toAnnul.headers(request)
    const url = endpoint.replace('http', 'ws')
    return socketEvents(buildGraphQLWSExecutor({ url, connectionParams: { authorization } })(request))
  }
  return ((request: Parameters<Ask>[0]) =>
    request.operationType === 'subscription' ? subscribe(request) : ask(request)) as Ask
}
