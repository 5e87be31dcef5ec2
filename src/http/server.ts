import { type FastifyInstance, fastify, LogController } from 'fastify'
import { type OpenedAuth, openAuth } from '../auth.ts'
import type { Config } from '../config.ts'
import type { SchemaExtension } from '../graphql/schema.ts'
import { loggerOptions } from '../log.ts'
import { addAnnul } from './addAnnul.ts'
import { bodyLimitBytes } from './answerErrors.ts'
import { closePromptly } from './closePromptly.ts'
import { boundConnections, type Limits, limitsFor, listenerOptions } from './limits.ts'
import { openMetricsListener } from './metricsListener.ts'
import type { RunningServer, ServerOptions } from './serverOptions.ts'
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
  const auth = await openAuth(config, app.log, options)
  let metrics: Awaited<ReturnType<typeof openMetricsListener>> | undefined
  const closeAll = async () => {
    await app.close()
    await metrics?.close()
    await auth.close()
  }
  try {
    closePromptly(app)
    boundConnections(app, bounds)
    await addAnnul(app, auth, auth.schema(ownExtension(config, options.extension)), {
      ownsHost: true,
      takesSockets: true,
    })
    if (typeof config.metrics === 'object')
      metrics = await openMetricsListener(config.metrics, auth.parts.metrics, bounds)
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    await closeAll()
    throw error
  }
  const url = urlOf(app, config.host)
  auth.parts.mails.listensAt(url)
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

/** Who stitches schemas configures no server for it. A subgraph has `_entities` for the same, and composes without `_users`. */
function ownExtension(config: Config, extension: SchemaExtension = {}): SchemaExtension {
  const { federation = config.federation } = extension
  return { stitching: federation === false, ...extension }
}
