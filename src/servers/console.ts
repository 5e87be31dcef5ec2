import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLSchema } from 'graphql'
import { type Auth, insidesOf } from '../auth.ts'
import { type ConsoleAnswer, openConsole } from '../http/openConsole.ts'
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
    if (!/^\/(?!\/)/.test(value))
      throw new TypeError(`annulConsole: "${name}" must be a path that begins with one "/".`)
  const { config } = insidesOf(auth).parts
  const { siteName, passwordMinLength, introspection } = config
  const files = `${path}/console/`
  const factors = schema?.getQueryType()?.getFields().factors !== undefined
  const guards = introspection && schema ? auth.guards(schema) : undefined
  const opened = config.console
    ? openConsole({ endpoint, siteName, subscriptions, passwordMinLength, factors }, guards, files)
    : undefined
  if (config.console && opened === undefined)
    throw new Error('annulConsole: there is no console in this package. `npm run build` makes it.')

  const answerTo = async (
    method: string | undefined,
    url: string,
    accepted: string | null | undefined,
  ): Promise<ConsoleAnswer | undefined> => {
    if (opened === undefined || (method !== 'GET' && method !== 'HEAD')) return undefined
    const asked = url.split('?', 1)[0] ?? ''
    if (asked === path || asked === `${path}/`) return opened.page()
    if (!asked.startsWith(files)) return undefined
    return opened.file(asked.slice(files.length), /\bgzip\b/.test(accepted ?? ''))
  }
  const answerToNode = ({ method, url = '', headers, ...request }: IncomingMessage) => {
    // Express takes away the path that a router is mounted on.
    const { originalUrl = url } = request as { originalUrl?: string }
    return answerTo(method, originalUrl, String(headers['accept-encoding'] ?? ''))
  }

  return {
    express: () => (request, response, next) => {
      answerToNode(request).then(answer => {
        if (answer === undefined) return next()
        for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
        response.end(request.method === 'HEAD' ? undefined : answer.body)
      }, next)
    },
    fastify: () => async (request, reply) => {
      const answer = await answerToNode(request.raw)
      return answer && reply.headers(answer.headers).send(answer.body)
    },
    async fetch(request) {
      const { pathname } = new URL(request.url)
      const answer = await answerTo(request.method, pathname, request.headers.get('accept-encoding'))
      if (answer === undefined) return undefined
      const { headers, body } = answer
      return new Response(request.method === 'HEAD' ? null : new Uint8Array(Buffer.from(body)), { headers })
    },
  }
}
