import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import type { Gateway, GatewayContext } from 'annul/gateway'
import { gatewayPlugin } from 'annul/gateway/apollo'
import type { GraphQLSchema } from 'graphql'

export async function startApollo(schema: GraphQLSchema, gateway: Gateway, port: number): Promise<string> {
  const apollo = new ApolloServer<GatewayContext>({ schema, plugins: [gatewayPlugin()] })
  const { url } = await startStandaloneServer(apollo, { context: gateway.context, listen: { port } })
  return url
}
