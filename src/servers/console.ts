import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLSchema } from 'graphql'
import { type Auth, insidesOf } from '../auth.ts'
import { type ConsoleAnswer, openConsole, takesGzip } from '../http/openConsole.ts'
import { refuseUnknownOptions } from '../names.ts'

/** Options of annulConsole. */
export interface AnnulConsoleOptions {
  /** The schema that the endpoint serves: the console shows what guards each field. Default: it does not show that. */
  readonly schema?: GraphQLSchema | undefined
  /** The path of the page in the app; default `/console`. */
  readonly path?: string | undefined
  /** The path of the GraphQL endpoint on the same host; default `/graphql`. */
  readonly endpoint?: string | undefined
  /** Whether the endpoint takes subscriptions over graphql-ws; default false. */
  readonly subscriptions?: boolean | undefined
}

/** The console for an app's own server. Each of the three lets pass what is not under its path. */
export interface AnnulConsole {
  /** A middleware of Express 5, for `app.use` without a path. */
  express(): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void
  /** A hook of Fastify 5, for `app.addHook('onRequest', …)`. */
  fastify(): (request: { raw: IncomingMessage }, reply: FastifyAnswer) => Promise<unknown>
  /** For servers of the Fetch API: Hono, Next.js. Undefined: the request is not for the console. */
  fetch(request: Request): Promise<Response | undefined>
}

/** The part of a reply of Fastify that is used. */
export interface FastifyAnswer {
  headers(headers: Readonly<Record<string, string>>): FastifyAnswer
  send(body: unknown): unknown
}

/**
 * The console, a page to look at (docs/console.md), in somebody's own server. It is there where ANNUL_CONSOLE is on: by
 * default not in production. annulFastify and annulExpress show it on `/graphql` by themselves.
 *
 * @throws TypeError for an `auth` of another kind, an unknown option, or a path that does not begin with `/`
 * @throws Error where the package has no console, since it was not built
 * @example
 * const auth = await createAuth()
 * app.use(annulConsole(auth, { schema, path: '/console', endpoint: '/graphql' }).express())
 */
export function annulConsole(auth: Auth, options: AnnulConsoleOptions = {}): AnnulConsole {
  refuseUnknownOptions('annulConsole', options, ['schema', 'path', 'endpoint', 'subscriptions'])
  const { schema, endpoint = '/graphql', subscriptions = false } = options
  const path = (options.path ?? '/console').replace(/\/$/, '')
  for (const [name, value] of Object.entries({ path: path || '/', endpoint }))
    if (!/^\/(?![/\\])/.test(value))
      throw new TypeError(`annulConsole: "${name}" must be a path that begins with one "/".`)
  const insides = insidesOf(auth)
  const isOn = insides.parts.config.console
  const files = `${path}/console/`
  const opened = isOn ? openConsole(insides, schema, { endpoint, subscriptions, files }) : undefined
  if (isOn && opened === undefined)
    throw new Error('annulConsole: there is no console in this package. `npm run build` makes it.')

  const isOurs = (method: string | undefined, url: string) => {
    if (opened === undefined || (method !== 'GET' && method !== 'HEAD')) return false
    return url === path || url === `${path}/` || url.startsWith(files)
  }
  const answerTo = async (url: string, accepted: string | null): Promise<ConsoleAnswer | undefined> =>
    url.startsWith(files) ? opened?.file(url.slice(files.length), takesGzip(accepted)) : opened?.page()
  const pathOf = ({ url = '', ...request }: IncomingMessage) => {
    // Express takes away the path that a router is mounted on.
    const { originalUrl = url } = request as { originalUrl?: string }
    return originalUrl.split('?', 1)[0] ?? ''
  }
  const acceptedBy = ({ headers }: IncomingMessage) => String(headers['accept-encoding'] ?? '')

  return {
    express: () => (request, response, next) => {
      // What is not the console's never waits.
      if (!isOurs(request.method, pathOf(request))) return next()
      answerTo(pathOf(request), acceptedBy(request))
        .then(answer => {
          // A middleware before this one may have answered meanwhile, after its own time limit.
          if (response.headersSent || response.destroyed) return
          if (answer === undefined) return next()
          for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
          response.end(request.method === 'HEAD' ? undefined : answer.body)
        })
        .catch(next)
    },
    fastify:
      () =>
      async ({ raw }, reply) => {
        if (!isOurs(raw.method, pathOf(raw))) return undefined
        const answer = await answerTo(pathOf(raw), acceptedBy(raw))
        return answer && reply.headers(answer.headers).send(answer.body)
      },
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (!isOurs(request.method, pathname)) return undefined
      const answer = await answerTo(pathname, request.headers.get('accept-encoding'))
      if (answer === undefined) return undefined
      const { headers, body } = answer
      return new Response(request.method === 'HEAD' ? null : new Uint8Array(Buffer.from(body)), { headers })
    },
  }
}
