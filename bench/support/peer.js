import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled'
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify'
import { fastify, LogController } from 'fastify'
import { GraphQLError } from 'graphql'
import { closePromptly } from '../../dist/http/closePromptly.js'
import { logRequests } from '../../dist/http/logRequests.js'
import { loggerOptions } from '../../dist/log.js'

/*
 * The server of those that Annul is compared with: Apollo Server on Fastify with the settings and the log line of
 * Annul's own, so that what differs is how they find out who sends the request.
 */

const typeDefs = `
  type Query { open: User! me: User! }
  type Mutation { logout: Boolean! }
  type User { id: ID! }`

const openUser = { id: '00000000-0000-4000-8000-000000000000' }

/**
 * @param peer.context as the recipes write it: from the request to `{ user }`, null where nobody is signed in
 * @param peer.logout where it is a mutation: from the context to true
 * @param peer.addRoutes where it has routes of its own
 * @returns {Promise<string>} its URL
 */
export async function startPeer({ context, logout, addRoutes }) {
  const app = fastify({
    logger: loggerOptions('info', { write() {} }),
    logController: new LogController({ disableRequestLogging: true }),
  })
  closePromptly(app)
  logRequests(app)
  addRoutes?.(app)
  const apollo = new ApolloServer({
    typeDefs,
    resolvers: {
      Query: { open: () => openUser, me: (_source, _input, { user }) => signedIn(user) },
      Mutation: { logout: (_source, _input, context) => signedIn(context.user) && logout(context) },
    },
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [ApolloServerPluginCacheControlDisabled(), fastifyApolloDrainPlugin(app)],
  })
  await apollo.start()
  app.route({ url: '/graphql', method: ['GET', 'POST'], handler: fastifyApolloHandler(apollo, { context }) })
  return app.listen({ host: '127.0.0.1', port: 0 })
}

function signedIn(user) {
  if (!user) throw new GraphQLError('Sign in first.', { extensions: { code: 'UNAUTHENTICATED' } })
  return user
}

/** The header of a request without its scheme. */
export function bearerToken({ headers: { authorization } }) {
  return authorization?.startsWith('Bearer ') ? authorization.slice(7) : undefined
}

/**
 * What benches ask a peer for.
 *
 * @param signIn makes a user who is signed in, and answers with the headers of their requests
 * @param logout the request that signs out, without its headers
 */
export function peerCalls(signIn, logout = logoutMutation) {
  const many = count => Promise.all(Array.from({ length: count }, signIn))
  return {
    async requests({ field, count }) {
      const signedIn = await many(count)
      return signedIn.map(headers => ({ ...ask(field), headers }))
    },
    async sessions({ count }) {
      const signedIn = await many(count)
      return signedIn.map(headers => ({ headers, logout }))
    },
  }
}

/** The request for a field. */
export function ask(field) {
  return {
    body: JSON.stringify({ query: `{ ${field} { id } }` }),
    expected: `{"data":{"${field}":{"id":"`,
  }
}

export const logoutMutation = {
  path: '/graphql',
  body: JSON.stringify({ query: 'mutation { logout }' }),
  expected: '{"data":{"logout":true}',
}
