import { ApolloServer } from '@apollo/server'
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import { type FastifyInstance, fastify, LogController } from 'fastify'
import { type Auth, createAuth } from '../auth.ts'
import type { Config } from '../config.ts'
import type { SchemaExtension } from '../graphql/schema.ts'
import { loggerOptions, type RequestNote } from './logging.ts'
import { notePlugin, type ServerContext } from './notePlugin.ts'
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

/** Bodies above this are refused unread: no operation of a client needs more. */
const bodyLimitBytes = 100_000

declare module 'fastify' {
  interface FastifyRequest {
    note: RequestNote
  }
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
  const app = fastify({
    logger: loggerOptions(options.logLevel ?? 'info', options.logStream),
    // Its own two lines a request would carry the URL, and with it the query of a GET request.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
  })
  const auth = await createAuth(config, app.log)
  try {
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

async function addGraphQL(app: FastifyInstance, auth: Auth, extension?: SchemaExtension): Promise<void> {
  const schema = auth.schema(extension)
  const apollo = new ApolloServer<ServerContext>({
    schema,
    formatError: auth.formatError,
    includeStacktraceInErrorResponses: false,
    introspection: true,
    // Signals are the command's to handle: it closes the database after the requests.
    stopOnTerminationSignals: false,
    logger: quiet(app),
    plugins: [auth.plugin, notePlugin, fastifyApolloDrainPlugin(app)],
  })
  await apollo.start()
  await app.register(websocket, { options: { maxPayload: bodyLimitBytes } })
  const handler = fastifyApolloHandler(apollo, {
    context: async (request, reply) => ({
      ...auth.context(request, { appendHeader: (name, value) => reply.header(name, value) }),
      note: request.note,
    }),
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

/** One line a request: what it did, how long it took, for whom, and how it ended. Never headers, URLs or variables. */
function logRequests(app: FastifyInstance): void {
  app.decorateRequest('note')
  app.addHook('onRequest', async (request, reply) => {
    request.note = {}
    // Answers carry tokens, or depend on one.
    reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    const { operation, userId, code } = request.note
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url,
        operation,
        userId,
        code,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
  })
}

/** What goes wrong before GraphQL: a body that is no JSON, too large, of another type; an unknown path. */
function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<Error & { statusCode?: number; code?: string }>(async (error, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) request.log.error({ err: error }, 'A request failed.')
    const { code, message } = refusals[error.code ?? ''] ?? (status < 500 ? badRequest : broken)
    request.note.code = code
    return reply.status(status).send({ errors: [{ message, extensions: { code } }] })
  })
  app.setNotFoundHandler(async (_request, reply) =>
    reply.status(404).send({
      errors: [{ message: 'There is nothing at this address.', extensions: { code: 'NOT_FOUND' } }],
    }),
  )
}

const badRequest = { code: 'BAD_REQUEST', message: "The request can't be read." }
const broken = { code: 'INTERNAL_SERVER_ERROR', message: 'Something went wrong on the server.' }
const refusals: Record<string, { code: string; message: string }> = {
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'BAD_REQUEST', message: 'The body is not valid JSON.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'BAD_REQUEST', message: 'The body is empty.' },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'BODY_TOO_LARGE',
    message: `The body is larger than ${bodyLimitBytes} bytes.`,
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'BAD_REQUEST',
    message: 'The body must be of the type application/json.',
  },
}
