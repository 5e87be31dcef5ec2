import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { ensureGuarded } from '../graphql/keepGuarded.ts'
import type { Log } from '../log.ts'
import { addAnnul } from './addAnnul.ts'
import { bodyLimitBytes } from './answerErrors.ts'
import { limitsFor } from './limits.ts'
import { openMetricsListener } from './metricsListener.ts'

/** Annul's routes without a listener: requests and upgrades of another server are handed over to it. */
export interface InnerApp {
  /** Answers a request, whose path begins with `prefix`. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Takes over a connection that is to become a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Closes the sockets, and the listener of /metrics. May be called twice; `auth.close` calls it too. */
  close(): Promise<void>
}

/**
 * An application of Fastify that is Annul's alone. Nothing of it can clash with what stands in the app around it, be it
 * hooks, decorators, error handlers, CORS or parsers, and nothing of the app around can change how Annul answers.
 *
 * @param options.prefix what stands before Annul's own paths in the URL of a request
 * @param options.takesSockets whether upgrades are handed over; default true
 * @throws SchemaError for a schema whose `@auth` would not be enforced; Node's error when the address of ANNUL_METRICS=HOST:PORT can't be taken
 */
export async function openInnerApp(
  auth: OpenedAuth,
  schema: GraphQLSchema,
  { prefix = '', takesSockets = true }: { prefix?: string; takesSockets?: boolean } = {},
): Promise<InnerApp> {
  ensureGuarded(
    schema,
    'The schema is not guarded: give what auth.schema or auth.guard returns. Otherwise its @auth would have no effect.',
  )
  const { config, metrics, log } = auth.parts
  const app = fastify({
    loggerInstance: loggerOf(log),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    rewriteUrl: ({ url = '' }: IncomingMessage) => url.slice(prefix.length),
  })
  let listener: { close(): Promise<void> } | undefined
  let closing: Promise<void> | undefined
  const closeAll = async () => {
    await app.close()
    await listener?.close()
  }
  const close = () => {
    closing ??= closeAll()
    return closing
  }
  try {
    readParsedBodies(app)
    await addAnnul(app, auth, schema, { ownsHost: false, takesSockets })
    await app.ready()
    if (typeof config.metrics === 'object')
      listener = await openMetricsListener(config.metrics, metrics, limitsFor(config))
  } catch (error) {
    await close()
    throw error
  }
  auth.beforeClose(close)
  return {
    handle: (request, response) => app.routing(request, response),
    // @fastify/websocket listens for this event, on a server that nobody can connect to.
    upgrade: (request, socket, head) => app.server.emit('upgrade', request, socket, head),
    close,
  }
}

/** A body that was read before, by `express.json()` for example, is read from what the reader has left. */
function readParsedBodies(app: FastifyInstance): void {
  app.addHook('preParsing', async (request, _reply, payload) => {
    if (request.method !== 'POST' || !request.raw.readableEnded) return payload
    const { body } = request.raw as { body?: unknown }
    if (body === undefined)
      throw new Error(
        'The body of a request was read before it came to Annul, and is not in its "body". ' +
          'Register Annul before what reads bodies.',
      )
    const bytes = Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === 'string' ? body : written(body, request.headers['content-type']))
    return Object.assign(Readable.from([bytes]), {
      // Fastify compares it with the header Content-Length, which tells how long the text was that the client sent.
      receivedEncodedLength: Number(request.headers['content-length'] ?? bytes.length),
    })
  })
}

/** A parsed body as text of its type. */
function written(body: unknown, type = ''): string {
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) return JSON.stringify(body)
  // A field that was sent twice is an array.
  const pairs = Object.entries(Object(body)).flatMap(([name, value]) =>
    [value].flat().map(each => [name, String(each)]),
  )
  return new URLSearchParams(pairs).toString()
}

/** The log of createAuth, as Fastify wants one. */
function loggerOf(log: Log): FastifyBaseLogger {
  const by = (write: (details: object, message: string) => void) => (first: unknown, message?: unknown) => {
    if (typeof first === 'string') write({}, first)
    else if (first instanceof Error) write({ err: first }, String(message ?? 'It failed.'))
    else write(Object(first), String(message ?? ''))
  }
  const nothing = () => {}
  const logger = {
    level: 'info',
    info: by(log.info),
    warn: by(log.warn),
    error: by(log.error),
    fatal: by(log.error),
    debug: nothing,
    trace: nothing,
    silent: nothing,
    child: () => logger,
  } as FastifyBaseLogger
  return logger
}
