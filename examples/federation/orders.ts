import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { buildSubgraphSchema } from '@apollo/subgraph'
import type { Verifier, VerifierContext } from 'annul/verify'
import { guardSchema } from 'annul/verify/graphql'
import { type DocumentNode, GraphQLError, parse } from 'graphql'

const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on FIELD_DEFINITION | OBJECT
  scalar DateTime
  type Query {
    shop: String!
    latestOrders(first: Int = 10, after: String): OrderConnection! @auth
  }
  type Mutation { order(item: String!): Order! @auth }
  type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }
  type Order { item: String! at: DateTime! user: User! }
  type User @key(fields: "id") { id: ID! orders: [Order!] @auth }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
`)

interface Order {
  readonly item: string
  readonly at: string
  readonly user: { readonly id: string }
}

const at = '2026-01-31T23:30:00.000Z'
const orders: Order[] = [{ item: 'hat', at, user: { id: '00000000-0000-4000-8000-000000000000' } }]

const resolvers = {
  Query: {
    shop: () => 'Umbrellas',
    latestOrders: () => ({
      nodes: orders.slice(0, 1),
      pageInfo: { hasNextPage: false, hasPreviousPage: false },
    }),
  },
  Mutation: {
    order: (_source: unknown, { item }: { item: string }, { auth }: VerifierContext) => {
      const order = { item, at, user: { id: auth.viewer().userId } }
      orders.push(order)
      return order
    },
  },
  User: {
    // Anybody may write an id into a reference. Who asks is told by the token alone.
    orders: ({ id }: { id: string }, _args: unknown, { auth }: VerifierContext) => {
      if (auth.viewer().userId !== id)
        throw new GraphQLError('You may not do this.', { extensions: { code: 'FORBIDDEN' } })
      return orders.filter(order => order.user.id === id)
    },
  },
}

/** A subgraph with a part of User of its own, for whoever has sent the request. */
export async function startOrders(verifier: Verifier): Promise<string> {
  // The types of @apollo/subgraph know no context.
  const parts = { typeDefs, resolvers } as { typeDefs: DocumentNode }
  const schema = guardSchema(buildSubgraphSchema(parts))
  const apollo = new ApolloServer<VerifierContext>({ schema, includeStacktraceInErrorResponses: false })
  const { url } = await startStandaloneServer(apollo, {
    context: async ({ req }) => verifier.context(req),
    listen: { port: 0, host: '127.0.0.1' },
  })
  console.log(`Orders at ${url}`)
  return url
}
