import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLSchema } from 'graphql'
import { type Auth, insidesOf } from '../auth.ts'
import type { InnerApp } from '../http/innerApp.ts'
import { loadInnerApp } from '../http/loadInnerApp.ts'
import { pathsOf } from '../http/paths.ts'
import { takeUpgrades, type UpgradingServer } from '../http/takeUpgrades.ts'
import { refuseUnknownOptions } from '../names.ts'

/** Options of annulExpress. */
export interface AnnulExpressOptions {
  /** What `auth.schema` or `auth.guard` has returned; default: `auth.schema()`, without fields of the app's own. */
  readonly schema?: GraphQLSchema | undefined
  /**
   * The server that the app listens with, for WebSockets: `const server = app.listen(4000)`, or one of `node:http` or
   * `node:https`. Default: none, and there are no subscriptions.
   */
  readonly server?: UpgradingServer | undefined
  /** The path of WebSockets; default `/graphql`. Where the middleware stands under a path, that path comes before. */
  readonly socketPath?: string | undefined
  /** The path of the feed, which verifiers follow; default: `/feed` in the place of `/graphql` in `socketPath`. */
  readonly feedPath?: string | undefined
}

/** A middleware of Express 5, in types of its own. */
export interface ExpressMiddleware {
  (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void
  /** Until then requests wait. Rejected with what keeps Annul from answering; each request ends with it too. */
  readonly ready: Promise<void>
}

/**
 * A middleware of Express 5 that gives an app everything that Annul's own server has: GraphQL and its WebSockets on
 * `/graphql`, the pages behind the links in mails on `/account/…`, the protocols of OAuth on `/oauth/…`, `/healthz`,
 * `/readyz`, `/metrics`, and `/.well-known/jwks.json` and `/.well-known/oauth-authorization-server`. Any other path is the next handler's.
 *
 * Closing the auth closes its sockets.
 *
 * @throws TypeError for an `auth` of another kind, and for an unknown option
 * @example
 * const auth = await createAuth()
 * const server = createServer(app)
 * app.use(annulExpress(auth, { schema: auth.schema({ typeDefs, resolvers }), server }))
 */
export function annulExpress(auth: Auth, options: AnnulExpressOptions = {}): ExpressMiddleware {
  refuseUnknownOptions('annulExpress', options, ['schema', 'server', 'socketPath', 'feedPath'])
  const { schema, server, socketPath = '/graphql' } = options
  const { feedPath = socketPath.replace(/[^/]*$/, 'feed') } = options
  const opened = insidesOf(auth)
  // The feed is a WebSocket alone, so the app may have a page by its name.
  const paths = new Set(pathsOf(opened.parts.config).map(({ url }) => url))
  paths.delete('/feed')
  const isOurs = (path: string) => paths.has(path) || paths.has(path.replace(/[^/]*$/, '*'))
  let inner: InnerApp | undefined
  const opening = loadInnerApp('annul/express')
    .then(({ openInnerApp }) =>
      openInnerApp(opened, schema ?? auth.schema(), { takesSockets: server !== undefined }),
    )
    .then(app => {
      inner = app
    })
  opening.catch(error => opened.parts.log.error({ err: error }, 'annul/express can not be opened.'))

  if (server) {
    const upgrades = takeUpgrades(server, [socketPath, feedPath], (request, socket, head) => {
      const { url = '' } = request
      const path = url.split('?', 1)[0] === feedPath ? feedPath : socketPath
      // The inner application knows no path around it.
      request.url = (path === feedPath ? '/feed' : '/graphql') + url.slice(path.length)
      opening.then(
        () => inner?.upgrade(request, socket, head),
        () => socket.destroy(),
      )
    })
    opened.beforeClose(async () => upgrades.stop())
  }

  const handle: (...parameters: Parameters<ExpressMiddleware>) => void = (request, response, next) => {
    if (!isOurs(request.url?.split('?', 1)[0] ?? '')) return next()
    if (inner) return inner.handle(request, response)
    opening.then(() => inner?.handle(request, response), next)
  }
  return Object.assign(handle, { ready: opening })
}
