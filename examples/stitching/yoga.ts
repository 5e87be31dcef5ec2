import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gatewayPlugin } from 'annul/gateway/yoga'
import type { GraphQLSchema } from 'graphql'
import { createYoga } from 'graphql-yoga'

export async function startYoga(schema: GraphQLSchema, port: number): Promise<string> {
  const server = createServer(createYoga({ schema, plugins: [gatewayPlugin()] }))
  await new Promise<void>(resolve => server.listen(port, resolve))
  return `http://localhost:${(server.address() as AddressInfo).port}/graphql`
}
