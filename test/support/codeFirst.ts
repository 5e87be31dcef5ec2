import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import SchemaBuilder from '@pothos/core'
import { type GraphQLSchema, parse, subscribe } from 'graphql'
import type { GraphQLContext } from '../../src/request/context.ts'
import { type Client, createClient } from './client.ts'
import type { GuardedApp } from './guardedApp.ts'
import { useFixture } from './useFixture.ts'

/** A schema on an Apollo Server of an app's own, whose senders are the users of a node. */
export interface OwnServer extends Client {
  readonly endpoint: string
  /** Sends an operation over HTTP. @returns status, data, and the path and extensions of each error */
  ask(query: string, token?: string): Promise<{ status: number; data: unknown; errors: unknown[] }>
  /** Subscribes on graphql's own executor. @returns the events, or an answer with errors */
  listen(query: string, token?: string): ReturnType<typeof subscribe>
  close(): Promise<void>
}

/** For all tests of the calling file or `describe`. */
export function useOwnServer(node: GuardedApp, makeSchema: () => GraphQLSchema): OwnServer {
  return useFixture(async () => {
    const schema = makeSchema()
    const { auth } = node
    const apollo = new ApolloServer<GraphQLContext>({
      schema,
      ...auth.apollo(),
      stopOnTerminationSignals: false,
    })
    const { url } = await startStandaloneServer(apollo, {
      listen: { host: '127.0.0.1', port: 0 },
      context: async ({ req, res }) => auth.context(req, res),
    })
    const client = createClient(new URL(url).origin)
    return {
      ...client,
      endpoint: `${new URL(url).origin}/graphql`,
      async ask(query, token) {
        const { status, data, errors = [] } = await client.send(query, token === undefined ? {} : { token })
        return { status, data, errors: errors.map(({ path, extensions }) => ({ path, ...extensions })) }
      },
      listen(query, token) {
        const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
        const contextValue = auth.context({ headers }, { appendHeader: () => {} })
        return subscribe({ schema, document: parse(query), contextValue })
      },
      close: () => apollo.stop(),
    }
  })
}

/** A builder of Pothos whose resolvers get Annul's context. */
export function newBuilder() {
  return new SchemaBuilder<{ Context: GraphQLContext; DefaultFieldNullability: true }>({})
}
