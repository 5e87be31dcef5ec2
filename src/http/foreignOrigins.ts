import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { isAllowedOrigin } from '../request/cookies.ts'

/** How many origins the log names: a sender can make up any number. */
const maxTold = 100
const path = '/graphql'

/**
 * Tells the developer of a page on a foreign origin which setting is missing: in the log, and in an error that the page
 * can read. Nothing is carried out, no cookie is looked at, and no answer to credentials may be read.
 *
 * Only a browser sets `Sec-Fetch-Site`, and no script can. So a preflight passes only where the request that follows it
 * is known by the same header, and is refused here. A server that calls with an Origin goes on as before: no browser
 * hides answers from it, and cookies are guarded in any case (request/cookies.ts).
 */
export function refuseForeignOrigins(app: FastifyInstance, config: Config): void {
  const told = new Set<string>()
  const tell = (origin: string) => {
    if (told.has(origin) || told.size >= maxTold) return
    told.add(origin)
    const details = { origin: told.size === maxTold ? `${origin}, and perhaps more` : origin }
    app.log.warn(details, `A page of this origin was refused. ${setting}`)
  }

  // Not async: most requests have no Origin, and a promise would cost each of them more than this check.
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers
    if (origin === undefined || request.routeOptions.url !== path || isUpgrade(request)) return done()
    const crossesOrigins = isCrossOrigin(request)
    const asks = isPreflight(request)
    if (!(asks || crossesOrigins) || isAllowedOrigin(config, request)) return done()
    if (isOrigin(origin)) tell(origin)
    refuse(request, reply, { mayRead: crossesOrigins, asks, origin })
  })
}

const setting = 'Pages of other origins may use this server when ANNUL_ALLOWED_ORIGINS names their origin.'
const body = { errors: [{ message: setting, extensions: { code: 'ORIGIN_NOT_ALLOWED' } }] }

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  { mayRead, asks, origin }: { mayRead: boolean; asks: boolean; origin: string },
): FastifyReply {
  request.note.code = 'ORIGIN_NOT_ALLOWED'
  reply.header('vary', 'origin, sec-fetch-site')
  // Without Access-Control-Allow-Credentials: a browser hides this answer from a page that sent cookies.
  if (mayRead) reply.header('access-control-allow-origin', origin)
  if (!(mayRead && asks)) return reply.status(403).send(body)
  return reply
    .status(204)
    .headers({
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers':
        'content-type, authorization, apollo-require-preflight, annul-renew, annul-device',
      // Browsers must not remember this answer, so that a corrected setting works at once.
      'access-control-max-age': '0',
    })
    .send()
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

function isCrossOrigin({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site'
}

function isUpgrade({ headers }: FastifyRequest): boolean {
  return headers.upgrade !== undefined
}

/** Whether the text is one that a browser sends as an Origin, and not a text that somebody wants to see in the log. */
function isOrigin(text: string): boolean {
  return text === 'null' || (text.length <= 300 && URL.canParse(text) && new URL(text).origin === text)
}
