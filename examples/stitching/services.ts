import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Verifier, VerifierContext } from 'annul/verify'
import { guardSchema } from 'annul/verify/graphql'
import { GraphQLError, type GraphQLSchema } from 'graphql'
import { createSchema, createYoga } from 'graphql-yoga'

/* Two services with data of Annul's users. Who asks is told by the access token alone, and by no other header. */

export interface Service {
  readonly endpoint: string
  readonly schema: GraphQLSchema
}

/** Orders: everybody reads their own. */
export function startOrders(verifier: Verifier): Promise<Service> {
  const schema = createSchema<VerifierContext>({
    typeDefs: `
      directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on FIELD_DEFINITION | OBJECT
      type Query { ordersOf(ids: [ID!]!): [User]! }
      type Mutation { order(item: String!): Order! @auth }
      type User { id: ID! orders: [Order!] @auth }
      type Order { item: String! user: User! }`,
    resolvers: {
      Query: { ordersOf: (_source, { ids }: { ids: string[] }) => ids.map(id => ({ id })) },
      Mutation: {
        order: (_source, { item }: { item: string }, { auth }) => {
          const order = { item, user: { id: auth.viewer().userId } }
          orders.push(order)
          return order
        },
      },
      User: {
        orders: ({ id }: { id: string }, _args, { auth }) => {
          if (auth.viewer().userId !== id)
            throw new GraphQLError('You may not do this.', { extensions: { code: 'FORBIDDEN' } })
          return orders.filter(order => order.user.id === id)
        },
      },
    },
  })
  return start(guardSchema(schema), verifier)
}

const orders: { item: string; user: { id: string } }[] = []

/** Reviews: for everybody. */
export function startReviews(): Promise<Service> {
  const reviewsOf = (id: string) => [{ text: 'Keeps the rain off.', author: { id } }]
  return start(
    createSchema({
      typeDefs: `
        type Query { reviewsOf(ids: [ID!]!): [User]! shop: String! }
        type User { id: ID! reviews: [Review!]! }
        type Review { text: String! author: User! }`,
      resolvers: {
        Query: {
          reviewsOf: (_source, { ids }: { ids: string[] }) => ids.map(id => ({ id, reviews: reviewsOf(id) })),
          shop: () => 'Umbrellas',
        },
      },
    }),
  )
}

async function start(schema: GraphQLSchema, verifier?: Verifier): Promise<Service> {
  const yoga = createYoga({
    schema,
    context: ({ request }) => ({ ...verifier?.context(request) }),
    // Yoga would hide why a request is refused.
    maskedErrors: false,
  })
  const server = createServer(yoga)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { schema, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql` }
}
