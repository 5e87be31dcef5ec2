import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled'
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import { type FastifyInstance, fastify, LogController } from 'fastify'
import { type Auth, type OpenedAuth, openAuth, withoutInsides } from '../auth.ts'
import type { Config } from '../config.ts'
import type { SchemaExtension } from '../graphql/schema.ts'
import { answerErrors, bodyLimitBytes } from './answerErrors.ts'
import { closePromptly } from './closePromptly.ts'
import { notePlugin, type ServerContext } from './logPlugin.ts'
import { loggerOptions, logRequests } from './logRequests.ts'
import { addRoutes } from './routes.ts'
import { socketHandler } from './sockets.ts'

export interface RunningServer {
  /** `http://HOST:PORT`, with the port that was really taken. */
  readonly url: string
  readonly auth: Auth
  /** Stops accepting, finishes what is in flight, closes the database. */
  close(): Promise<void>
}

export interface ServerOptions {
  /** An app's own schema beside Annul's. */
  readonly extension?: SchemaExtension
  /** pino's level; default `info`. */
  readonly logLevel?: string
  /** Where log lines go; default standard output. */
  readonly logStream?: { write(line: string): void }
}

/**
 * Starts an auth server: Fastify, and Apollo Server on `/graphql`.
 *
 * @throws what createAuth throws, and Node's error when the address can't be taken
 * @example
 * const server = await startServer(readConfig({ PORT: '0' }))
 * console.log(server.url)
 * await server.close()
 */
export async function startServer(config: Config, options: ServerOptions = {}): Promise<RunningServer> {
  const { url, auth, close } = await openServer(config, options)
  return { url, auth: withoutInsides(auth), close }
}

/** @internal A running server with its insides, for the command and for tests. */
export interface OpenedServer extends RunningServer {
  readonly auth: OpenedAuth
}

/** @internal As startServer. */
export async function openServer(config: Config, options: ServerOptions = {}): Promise<OpenedServer> {
  const app = fastify({
    logger: loggerOptions(options.logLevel ?? 'info', options.logStream),
    // Its own two lines a request would carry the URL, and with it the query of a GET request.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
  })
  const auth = await openAuth(config, app.log)
  try {
    closePromptly(app)
    logRequests(app)
    if (config.allowedOrigins) await app.register(cors, crossOrigin(config.allowedOrigins))
    answerErrors(app)
    addRoutes(app, auth)
    await addGraphQL(app, auth, options.extension)
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    await auth.close()
    throw error
  }
  const address = app.server.address()
  const port = typeof address === 'object' ? address?.port : config.port
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    auth,
    async close() {
      await app.close()
      await auth.close()
    },
  }
}

async function addGraphQL(
  app: FastifyInstance,
  auth: OpenedAuth,
  extension?: SchemaExtension,
): Promise<void> {
  const schema = auth.schema(extension)
  const apollo = new ApolloServer<ServerContext>({
    schema,
    formatError: auth.formatError,
    includeStacktraceInErrorResponses: false,
    introspection: true,
    // Signals are the command's to handle: it closes the database after the requests.
    stopOnTerminationSignals: false,
    logger: quiet(app),
    // Answers are never to be cached, which is said without looking at the schema for it.
    plugins: [
      auth.plugin,
      notePlugin,
      ApolloServerPluginCacheControlDisabled(),
      fastifyApolloDrainPlugin(app),
    ],
  })
  await apollo.start()
  await app.register(websocket, { options: { maxPayload: bodyLimitBytes } })
  const handler = fastifyApolloHandler(apollo, {
    context: async (request, reply) => {
      const context = auth.context(request, { appendHeader: (name, value) => reply.header(name, value) })
      return { auth: context.auth, note: request.note }
    },
  })
  app.route({ url: '/graphql', method: ['POST', 'OPTIONS'], handler })
  app.route({ url: '/graphql', method: 'GET', handler, wsHandler: socketHandler(auth, schema) })
}

/** Pages of these origins may send tokens and cookies; of others a browser refuses to show the answer. */
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

/** Apollo Server's own words, which name no request. */
function quiet(app: FastifyInstance) {
  return {
    debug: () => {},
    info: () => {},
    warn: (message?: unknown) => app.log.warn({}, String(message)),
    error: (message?: unknown) => app.log.error({}, String(message)),
  }
}
