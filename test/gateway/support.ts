import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { buildGraphQLWSExecutor } from '@graphql-tools/executor-graphql-ws'
import { buildHTTPExecutor } from '@graphql-tools/executor-http'
import { makeExecutableSchema } from '@graphql-tools/schema'
import { stitchSchemas } from '@graphql-tools/stitch'
import type { GraphQLSchema } from 'graphql'
import { createYoga } from 'graphql-yoga'
import { gatewayPlugin as apolloPlugin } from '../../src/gateway/apollo.ts'
import {
  createGateway,
  type Gateway,
  type GatewayContext,
  type GatewayOptions,
  socketEvents,
} from '../../src/gateway/index.ts'
import { gatewayPlugin as yogaPlugin } from '../../src/gateway/yoga.ts'
import { buildSchema } from '../../src/graphql/schema.ts'
import { type Client, createClient } from '../support/client.ts'
import { useFixture } from '../support/useFixture.ts'

/** What a service was asked, in order. */
export interface Asked {
  readonly headers: IncomingHttpHeaders
  readonly query: string
}

export interface Service {
  readonly url: string
  readonly schema: GraphQLSchema
  readonly asked: Asked[]
  close(): Promise<void>
}

/** A service with orders and their users. It believes everybody, so that only what the gateway does protects it. */
export function openOrders(): Promise<Service> {
  const ordersOf = (id: string) => [{ id: `order of ${id}` }]
  const schema = makeExecutableSchema({
    typeDefs: /* GraphQL */ `
      type Query { shop: String! ordersOf(ids: [ID!]!): [User]! buyers(ids: [ID!]!): [User!]! }
      type Mutation { order: Order }
      type Subscription { ticks: Int! }
      type User { id: ID! orders: [Order!]! }
      type Order { id: ID! }`,
    resolvers: {
      Query: {
        shop: () => 'open',
        ordersOf: (_source: unknown, { ids }: { ids: string[] }) =>
          ids.map(id => ({ id, orders: ordersOf(id) })),
        buyers: (_source: unknown, { ids }: { ids: string[] }) =>
          ids.map(id => ({ id, orders: ordersOf(id) })),
      },
      Mutation: { order: () => ({ id: 'new' }) },
    },
  })
  return openService(schema)
}

async function openService(schema: GraphQLSchema): Promise<Service> {
  const asked: Asked[] = []
  const yoga = createYoga({
    schema,
    logging: false,
    plugins: [
      {
        onParams({ request, params }) {
          asked.push({ headers: Object.fromEntries(request.headers), query: params.query ?? '' })
        },
      },
    ],
  })
  const { url, close } = await listen(createServer(yoga))
  return { url: `${url}/graphql`, schema, asked, close }
}

export async function listen(server: Server): Promise<{ url: string; close(): Promise<void> }> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export type GatewayKind = 'apollo' | 'yoga'

export interface StitchedOptions extends GatewayOptions {
  readonly kind: GatewayKind
  /** The address of Annul's `/graphql`. */
  readonly annul: string
  readonly orders: Service
  readonly batch?: boolean
}

export interface Stitched extends Client {
  readonly url: string
  readonly schema: GraphQLSchema
  close(): Promise<void>
}

export function useOrders(): Service {
  return useFixture(openOrders)
}

/** A gateway that stitches Annul's schema and that of a service, on a free port. */
export async function openStitched({
  kind,
  annul,
  orders,
  batch = false,
  ...options
}: StitchedOptions): Promise<Stitched> {
  const gateway = createGateway(options)
  const schema = stitch(gateway, annul, orders, batch)
  const { url, close } = kind === 'apollo' ? await openApollo(schema, gateway) : await openYoga(schema)
  return { ...createClient(url), url, schema, close }
}

function stitch(gateway: Gateway, annul: string, orders: Service, batch: boolean): GraphQLSchema {
  return stitchSchemas({
    mergeDirectives: true,
    subschemas: [
      {
        schema: buildSchema({ stitching: true }),
        batch,
        executor: askAnnul(gateway, annul),
        merge: { User: usersBy('_users') },
      },
      {
        schema: orders.schema,
        batch,
        executor: buildHTTPExecutor({ endpoint: orders.url, ...gateway.toService }),
        merge: { User: usersBy('ordersOf') },
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

async function openApollo(schema: GraphQLSchema, gateway: Gateway) {
  const apollo = new ApolloServer<GatewayContext>({
    schema,
    plugins: [apolloPlugin()],
    includeStacktraceInErrorResponses: false,
  })
  const { url } = await startStandaloneServer(apollo, {
    context: gateway.context,
    listen: { port: 0, host: '127.0.0.1' },
  })
  return { url: new URL(url).origin, close: () => apollo.stop() }
}

function openYoga(schema: GraphQLSchema) {
  return listen(createServer(createYoga({ schema, logging: false, plugins: [yogaPlugin()] })))
}

/** The WebSockets from gateways to Annul. */
export const sockets = { open: 0 }

type Ask = ReturnType<typeof buildHTTPExecutor>

/** Subscriptions go by a WebSocket of their own, because its token is the client's. */
function askAnnul(gateway: Gateway, annul: string): Ask {
  const ask = buildHTTPExecutor({ endpoint: annul, ...gateway.toAnnul })
  const listen = (request: Parameters<Ask>[0]) => {
    const { authorization = '' } = gateway.toAnnul.headers(request)
    const socket = buildGraphQLWSExecutor({
      url: annul.replace('http', 'ws'),
      connectionParams: { authorization },
      on: { opened: () => void sockets.open++, closed: () => void sockets.open-- },
    })
    return socketEvents(socket(request))
  }
  return ((request: Parameters<Ask>[0]) =>
    request.operationType === 'subscription' ? listen(request) : ask(request)) as Ask
}
