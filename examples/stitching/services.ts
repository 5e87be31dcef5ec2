import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AuthError } from 'annul'
import type { TokenVerifier } from 'annul/gateway'
import { GraphQLError, type GraphQLSchema } from 'graphql'
import { createSchema, createYoga, type YogaInitialContext } from 'graphql-yoga'

/* Two services with data of Annul's users. Who asks is told by the access token alone, and by no other header. */

export interface Service {
  readonly endpoint: string
  readonly schema: GraphQLSchema
}

/** Orders: everybody reads their own. */
export function startOrders(verifier: TokenVerifier): Promise<Service> {
  return start(
    createSchema({
      typeDefs: `
        type Query { ordersOf(ids: [ID!]!): [User]! }
        type Mutation { order(item: String!): Order! }
        type User { id: ID! orders: [Order!] }
        type Order { item: String! user: User! }`,
      resolvers: {
        Query: { ordersOf: (_source, { ids }: { ids: string[] }) => ids.map(id => ({ id })) },
        Mutation: {
          order: async (_source, { item }: { item: string }, { request }: YogaInitialContext) => {
            const id = await viewerOf(verifier, request)
            orders.push({ item, user: { id } })
            return { item, user: { id } }
          },
        },
        User: {
          orders: async ({ id }: { id: string }, _args, { request }: YogaInitialContext) => {
            if ((await viewerOf(verifier, request)) !== id) throw refusal('FORBIDDEN', 'You may not do this.')
            return orders.filter(order => order.user.id === id)
          },
        },
      },
    }),
  )
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

/** The user whose access token came with the request. */
async function viewerOf(verifier: TokenVerifier, request: Request): Promise<string> {
  const token = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1]
  if (!token)
    throw refusal('UNAUTHENTICATED', 'You are not signed in.', { reason: 'TOKEN_MISSING', recover: 'LOGIN' })
  const decision = await verifier.decide(token)
  if (decision instanceof AuthError) throw refusal(decision.code, decision.message, decision.details)
  return decision.userId
}

function refusal(code: string, message: string, details: object = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...details } })
}

async function start(schema: GraphQLSchema): Promise<Service> {
  const server = createServer(createYoga({ schema }))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { schema, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql` }
}
