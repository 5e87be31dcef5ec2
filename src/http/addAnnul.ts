import { ApolloServer } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { isSubgraph } from '../graphql/federation.ts'
import { responseOf } from '../request/handedOver.ts'
import { addAccountPages } from './accountPages.ts'
import { answerErrors, bodyLimitBytes } from './answerErrors.ts'
import { answerWith200 } from './answerWith200.ts'
import { apolloHandler } from './apolloHandler.ts'
import { addConsole, type ShowPage } from './consoleRoutes.ts'
import { addFeed, handleProtocols, sayByeBeforeClose } from './feed.ts'
import { refuseForeignOrigins } from './foreignOrigins.ts'
import { logRequests } from './logRequests.ts'
import { addOAuthRoutes } from './oauthRoutes.ts'
import { wantsPage } from './page.ts'
import { refuseNested } from './refuseNested.ts'
import { refuseSubscriptions } from './refuseSubscriptions.ts'
import { boundRequests } from './requestsInFlight.ts'
import { addRoutes } from './routes.ts'
import { addSecurityHeaders } from './securityHeaders.ts'
import { type ServerContext, serverPlugin } from './serverPlugin.ts'
import { admitSockets } from './socketAdmission.ts'
import { Crowd } from './socketCrowd.ts'
import { socketHandler } from './sockets.ts'
import { Turns } from './socketTurns.ts'

/**
 * Everything that Annul answers, on an application of Fastify that is Annul's alone: GraphQL and its sockets, the routes
 * beside it, errors, CORS and the log line of each request. Whoever has the application lets it listen (server.ts), or
 * hands over requests of another server (innerApp.ts).
 *
 * @param options.ownsHost whether Annul alone answers on its host
 * @param options.takesSockets whether WebSockets come here, so that there are subscriptions
 */
export async function addAnnul(
  app: FastifyInstance,
  auth: OpenedAuth,
  schema: GraphQLSchema,
  { ownsHost, takesSockets }: { ownsHost: boolean; takesSockets: boolean },
): Promise<void> {
  await addSecurityHeaders(app, ownsHost)
  logRequests(app)
  refuseForeignOrigins(app, auth.parts.config)
  boundRequests(app, auth.parts)
  answerErrors(app)
  const showPage = addConsole(app, auth, schema, takesSockets)
  addRoutes(app, auth, showPage)
  await addOAuthRoutes(app, auth)
  await addAccountPages(app, auth)
  await addGraphQL(app, auth, schema, showPage)
}

async function addGraphQL(
  app: FastifyInstance,
  auth: OpenedAuth,
  schema: GraphQLSchema,
  showPage: ShowPage,
): Promise<void> {
  const { config } = auth.parts
  const apollo = new ApolloServer<ServerContext>({
    schema,
    ...auth.apollo(),
    // Signals are the command's to handle: it closes the database after the requests.
    stopOnTerminationSignals: false,
    logger: quiet(app),
    // No answer may be cached (logRequests.ts), so cache hints in the schema need not be looked for.
    plugins: [
      serverPlugin(auth.bounds, auth.operations),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      // Any client may ask a subgraph for the times of its resolvers.
      ApolloServerPluginInlineTraceDisabled(),
    ],
  })
  await apollo.start()
  sayByeBeforeClose(app, auth)
  await app.register(websocket, {
    options: { maxPayload: bodyLimitBytes, handleProtocols },
    errorHandler(error, socket, request) {
      // A mistake of a client is no error of this server, so the level is info.
      request.log.info({ err: error }, 'A WebSocket broke.')
      socket.terminate()
    },
  })
  addFeed(app, auth)
  const answer = apolloHandler(apollo, (request, reply) => {
    const { auth: contextOfRequest } = auth.context(request, responseOf(reply))
    return { auth: contextOfRequest, note: request.note, accept: request.headers.accept }
  })
  // Parsing a body leads out of whatever was active before, so the span is activated here.
  const handler = (request: FastifyRequest, reply: FastifyReply) => {
    const { span } = request.note
    return span === undefined ? answer(request, reply) : span.run(() => answer(request, reply))
  }
  const crowd = new Crowd()
  const turns = new Turns(client => crowd.isHalted(client))
  crowd.onRelief = () => turns.schedule()
  await app.register(async graphql => {
    if (config.allowedOrigins) await graphql.register(cors, crossOrigin(config.allowedOrigins))
    refuseNested(graphql, auth.bounds)
    refuseSubscriptions(graphql, schema)
    if (isSubgraph(schema)) answerWith200(graphql)
    graphql.route({ url: '/graphql', method: ['POST', 'OPTIONS'], handler })
    graphql.route({
      url: '/graphql',
      method: 'GET',
      handler: (request, reply) => (wantsPage(request) ? showPage(reply) : handler(request, reply)),
      onRequest: admitSockets(auth, turns),
      wsHandler: socketHandler(auth, schema, { turns, crowd }),
    })
  })
}

/** Pages of these origins may send tokens and cookies. From pages of other origins a browser hides the answer. */
function crossOrigin(allowedOrigins: readonly string[]) {
  return {
    origin: [...allowedOrigins],
    credentials: true,
    methods: ['GET', 'POST'],
    allowedHeaders: [
      'content-type',
      'authorization',
      'apollo-require-preflight',
      'annul-renew',
      'annul-device',
    ],
    exposedHeaders: ['www-authenticate', 'retry-after', 'annul-device'],
    maxAge: 7200,
  }
}

/** For Apollo Server's own log lines, which name no request. */
function quiet(app: FastifyInstance) {
  return {
    debug: () => {},
    info: () => {},
    warn: (message?: unknown) => app.log.warn({}, String(message)),
    error: (message?: unknown) => app.log.error({}, String(message)),
  }
}
