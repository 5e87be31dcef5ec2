import { ApolloServer } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import { type FastifyInstance, fastify, LogController } from 'fastify'
import { handleProtocols } from 'graphql-ws'
import { type OpenedAuth, openAuth } from '../auth.ts'
import type { Config } from '../config.ts'
import type { SchemaExtension } from '../graphql/schema.ts'
import { loggerOptions } from '../log.ts'
import { responseOf } from '../request/openContext.ts'
import { answerErrors, bodyLimitBytes } from './answerErrors.ts'
import { apolloHandler } from './apolloHandler.ts'
import { closePromptly } from './closePromptly.ts'
import { refuseForeignOrigins } from './foreignOrigins.ts'
import { boundConnections, type Limits, limitsFor, listenerOptions } from './limits.ts'
import { logRequests } from './logRequests.ts'
import { openMetricsListener } from './metricsListener.ts'
import { sendPage, wantsPage } from './page.ts'
import { refuseNested } from './refuseNested.ts'
import { addRoutes } from './routes.ts'
import type { RunningServer, ServerOptions } from './serverOptions.ts'
import { type ServerContext, serverPlugin } from './serverPlugin.ts'
import { admitSockets } from './socketAdmission.ts'
import { Crowd } from './socketCrowd.ts'
import { socketHandler } from './sockets.ts'
import { Turns } from './socketTurns.ts'
import { urlOf } from './urlOf.ts'

/** @internal A running server with its insides, for the command and for tests. */
export interface OpenedServer extends Pick<RunningServer, 'url' | 'close'> {
  readonly auth: OpenedAuth
  readonly app: FastifyInstance
  /** Where /metrics is; undefined while it is off. */
  readonly metricsUrl: string | undefined
}

/** @internal As ServerOptions, for tests. */
export interface InnerOptions extends ServerOptions {
  /** Default: limitsFor(config). A test gives shorter ones. */
  readonly limits?: Limits
}

/** @internal As startServer. */
export async function openServer(config: Config, options: InnerOptions = {}): Promise<OpenedServer> {
  const bounds = options.limits ?? limitsFor(config)
  const app = fastify({
    ...listenerOptions(bounds),
    logger: loggerOptions(options.logLevel ?? config.logLevel, options.logStream),
    // Fastify's own two lines a request would hold the URL, and so the query of a GET request.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
  })
  const auth = await openAuth(config, app.log)
  let metrics: Awaited<ReturnType<typeof openMetricsListener>> | undefined
  const closeAll = async () => {
    await app.close()
    await metrics?.close()
    await auth.close()
  }
  try {
    closePromptly(app)
    boundConnections(app, bounds)
    logRequests(app)
    refuseForeignOrigins(app, config)
    answerErrors(app)
    addRoutes(app, auth)
    await addGraphQL(app, auth, options.extension)
    if (typeof config.metrics === 'object')
      metrics = await openMetricsListener(config.metrics, auth.parts.metrics, bounds)
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    await closeAll()
    throw error
  }
  const url = urlOf(app, config.host)
  let closing: Promise<void> | undefined
  return {
    url,
    auth,
    app,
    metricsUrl: config.metrics === 'off' ? undefined : `${metrics?.url ?? url}/metrics`,
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

async function addGraphQL(
  app: FastifyInstance,
  auth: OpenedAuth,
  extension?: SchemaExtension,
): Promise<void> {
  const { config } = auth.parts
  const schema = auth.schema(extension)
  const apollo = new ApolloServer<ServerContext>({
    schema,
    ...auth.apollo(),
    // Signals are the command's to handle: it closes the database after the requests.
    stopOnTerminationSignals: false,
    logger: quiet(app),
    // No answer may be cached (logRequests.ts), so cache hints in the schema need not be looked for.
    plugins: [
      serverPlugin,
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
    ],
  })
  await apollo.start()
  await app.register(websocket, {
    options: { maxPayload: bodyLimitBytes, handleProtocols },
    errorHandler(error, socket, request) {
      // A mistake of a client is no error of this server, so the level is info.
      request.log.info({ err: error }, 'A WebSocket broke.')
      socket.terminate()
    },
  })
  const handler = apolloHandler(apollo, (request, reply) => {
    const { auth: contextOfRequest } = auth.context(request, responseOf(reply))
    return { auth: contextOfRequest, note: request.note }
  })
  const crowd = new Crowd()
  const turns = new Turns(client => crowd.isHalted(client))
  crowd.onRelief = () => turns.schedule()
  await app.register(async graphql => {
    if (config.allowedOrigins) await graphql.register(cors, crossOrigin(config.allowedOrigins))
    refuseNested(graphql)
    graphql.route({ url: '/graphql', method: ['POST', 'OPTIONS'], handler })
    graphql.route({
      url: '/graphql',
      method: 'GET',
      handler: (request, reply) => (wantsPage(request) ? sendPage(reply) : handler(request, reply)),
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
    allowedHeaders: ['content-type', 'authorization', 'apollo-require-preflight', 'annul-renew'],
    exposedHeaders: ['www-authenticate', 'retry-after'],
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
