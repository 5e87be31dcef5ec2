import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { parse } from 'graphql'

const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  scalar DateTime
  type Query { latestOrders(first: Int = 10, after: String): OrderConnection! }
  type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }
  type Order @key(fields: "id") { id: ID! total: Int! at: DateTime! buyer: User! }
  type User @key(fields: "id") { id: ID! orders: [Order!]! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
`)

interface Order {
  readonly id: string
  readonly total: number
  readonly at: string
  readonly buyer: { readonly id: string }
}

const strangersId = '00000000-0000-4000-8000-000000000000'
const ordersOf = (userId: string): Order[] => [
  { id: `of-${userId}`, total: 12, at: '2026-01-31T23:30:00.000Z', buyer: { id: userId } },
]

const resolvers = {
  Query: {
    latestOrders: () => ({
      nodes: ordersOf(strangersId),
      pageInfo: { hasNextPage: false, hasPreviousPage: false },
    }),
  },
  // The gateway has this id from Annul, which gives it to nobody but the user and admins.
  User: { orders: ({ id }: { id: string }) => ordersOf(id) },
}

/** A subgraph with a part of User of its own. */
export async function startOrders(): Promise<string> {
  // Annul's verifier belongs here: this subgraph does not ask who sends a request.
  const apollo = new ApolloServer({ schema: buildSubgraphSchema({ typeDefs, resolvers }) })
  return (await startStandaloneServer(apollo, { listen: { port: 0 } })).url
}
