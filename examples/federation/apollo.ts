import type { ServerResponse } from 'node:http'
import {
  ApolloGateway,
  type GraphQLDataSourceProcessOptions,
  IntrospectAndCompose,
  RemoteGraphQLDataSource,
} from '@apollo/gateway'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { startAnnul } from './annul.js'
import { forwarded } from './forward.js'
import { startOrders } from './orders.js'

interface Context {
  readonly headers: Record<string, string>
  readonly response: ServerResponse
}

class Subgraph extends RemoteGraphQLDataSource<Partial<Context>> {
  override willSendRequest({ request, context }: GraphQLDataSourceProcessOptions<Partial<Context>>) {
    // There is no client where the gateway asks for a schema.
    const { headers = {} } = context as Partial<Context>
    for (const [name, value] of Object.entries(headers)) request.http?.headers.set(name, value)
  }

  override didReceiveResponse({ response, context }: Received) {
    const { headers } = response.http ?? {}
    if (headers instanceof Headers)
      for (const cookie of headers.getSetCookie()) context.response?.appendHeader('set-cookie', cookie)
    return response
  }
}

type Fetcher = Subgraph['fetcher']
type Received = Parameters<NonNullable<RemoteGraphQLDataSource<Partial<Context>>['didReceiveResponse']>>[0]

const subgraphs = [
  { name: 'annul', url: await startAnnul() },
  { name: 'orders', url: await startOrders() },
]
const gateway = new ApolloGateway({
  supergraphSdl: new IntrospectAndCompose({ subgraphs }),
  // Node's own fetch, whose headers keep several cookies apart.
  buildService: ({ url = '' }) => new Subgraph({ url, fetcher: fetch as Fetcher }),
})
const apollo = new ApolloServer<Context>({ gateway, includeStacktraceInErrorResponses: false })
const { url } = await startStandaloneServer(apollo, {
  context: async ({ req, res }) => ({
    headers: forwarded(name => req.headers[name]?.toString()),
    response: res,
  }),
  listen: { port: Number(process.env.PORT ?? 4000) },
})
console.log(`Ready at ${url}`)
