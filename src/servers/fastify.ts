import type { FastifyPluginAsync } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import { type Auth, insidesOf } from '../auth.ts'
import { loadInnerApp } from '../http/loadInnerApp.ts'
import { pathsOf, socketPaths } from '../http/paths.ts'
import { takeUpgrades } from '../http/takeUpgrades.ts'
import { refuseUnknownOptions } from '../names.ts'

/** Options of annulFastify. */
export interface AnnulFastifyOptions {
  /** What createAuth has returned. */
  readonly auth: Auth
  /** What `auth.schema` or `auth.guard` has returned; default: `auth.schema()`, without fields of the app's own. */
  readonly schema?: GraphQLSchema | undefined
  /** What stands before the paths, for example `/auth`; Fastify's own option. */
  readonly prefix?: string | undefined
}

/** Options that Fastify itself reads of a plugin. */
const ofFastify = ['logLevel', 'logSerializers']

/**
 * A plugin of Fastify 5 that gives an app everything that Annul's own server has: GraphQL and its WebSockets on
 * `/graphql`, the pages behind the links in mails on `/account/…`, the protocols of OAuth on `/oauth/…`, `/healthz`,
 * `/readyz`, `/metrics`, and `/.well-known/jwks.json` and `/.well-known/oauth-authorization-server`.
 *
 * Annul's answers are its own: an app's error handler, not-found handler, CORS, parsers and hooks of answers stay those
 * of the app's other routes. The app's hooks that run before a handler run for Annul's routes too, if they were added
 * before the plugin, and headers that they set are kept.
 *
 * @throws TypeError for an `auth` of another kind and for an unknown option; SchemaError for a schema that is not guarded; Error for an app of
 *   HTTP/2, and where packages are missing; Node's error where the address of ANNUL_METRICS is taken
 * @example
 * const auth = await createAuth()
 * await app.register(annulFastify, { auth, schema: auth.schema({ typeDefs, resolvers }) })
 */
export const annulFastify: FastifyPluginAsync<AnnulFastifyOptions> = async (app, options) => {
  refuseUnknownOptions('annulFastify', options, ['auth', 'schema', 'prefix', ...ofFastify])
  const { auth, schema } = options
  const opened = insidesOf(auth)
  if (app.initialConfig.http2) throw new Error('annulFastify serves HTTP/1.1, and this app is one of HTTP/2.')
  const { openInnerApp } = await loadInnerApp('annul/fastify')
  const inner = await openInnerApp(opened, schema ?? auth.schema(), { prefix: app.prefix })
  const upgrades = takeUpgrades(
    app.server,
    socketPaths.map(path => `${app.prefix}${path}`),
    inner.upgrade,
  )
  app.addHook('preClose', async () => {
    upgrades.stop()
    await inner.close()
  })

  // Bodies are read by the inner application, within its own limit.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, done) => done(null))
  for (const { url, methods } of pathsOf(opened.parts.config))
    app.route({
      url,
      method: [...methods],
      // @fastify/cors of the app leaves these routes alone.
      config: { cors: false } as object,
      onRequest(request, reply, done) {
        // The app's own @fastify/websocket sees each upgrade too.
        if (upgrades.isTaken(request.raw)) reply.hijack()
        else done()
      },
      handler(request, reply) {
        reply.hijack()
        for (const [name, value] of Object.entries(reply.getHeaders()))
          if (value !== undefined) reply.raw.setHeader(name, value)
        inner.handle(request.raw, reply.raw)
      },
    })
}
