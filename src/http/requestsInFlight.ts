import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Counter } from 'prom-client'
import { unavailable } from '../errors.ts'
import type { Parts } from '../parts.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether requests of the route are let in however many there are, and take no place. */
    isUncounted?: boolean
    /** Answers a request that finds no place, in the language of the route; default: in GraphQL's. */
    answerUnavailable?: (request: FastifyRequest, reply: FastifyReply) => void
  }
}

/** For a route that has to answer under any load, or whose answers have no end. */
export const uncounted = { config: { isUncounted: true } } as const

/** How many requests are worked on: one number for an Annul, whatever adapters stand on it. */
interface Places {
  taken: number
  readonly refused: Counter
}

const placesOf = new WeakMap<Parts, Places>()

/**
 * Bounds the requests that are worked on at a time (ANNUL_MAX_IN_FLIGHT). A further one is refused at once: in a queue
 * it would wait longer than its client does, and be carried out for nobody.
 *
 * A request takes its place when its body has arrived. Otherwise a few hundred clients that send slowly would keep
 * everybody out. It gives the place back when it was answered, or when its client has gone. WebSockets take none.
 */
export function boundRequests(app: FastifyInstance, parts: Parts): void {
  const { maxInFlight } = parts.config
  const places = placesOf.get(parts) ?? open(parts)
  const isRefused = (request: FastifyRequest, reply: FastifyReply): boolean => {
    if (places.taken < maxInFlight || request.routeOptions.config.isUncounted || request.ws) return false
    places.refused.inc()
    refuse(request, reply)
    return true
  }

  // After the hooks of CORS, so that a page may read the refusal, and before the body is read.
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (!isRefused(request, reply)) done(null, payload)
  })
  app.addHook('preValidation', (request, reply, done) => {
    if (isRefused(request, reply)) return
    if (!request.routeOptions.config.isUncounted && !request.ws) {
      places.taken++
      reply.raw.once('close', () => {
        places.taken--
      })
    }
    done()
  })
}

function open(parts: Parts): Places {
  const { metrics } = parts
  const refused = new Counter({
    name: 'annul_requests_refused_total',
    help: 'Requests that were refused because as many as ANNUL_MAX_IN_FLIGHT were being worked on.',
    registers: [metrics.registry],
  })
  const places: Places = { taken: 0, refused }
  metrics.gauge('annul_requests_in_flight', 'Requests that are being worked on.', () => places.taken)
  placesOf.set(parts, places)
  return places
}

function refuse(request: FastifyRequest, reply: FastifyReply): void {
  const { answerUnavailable } = request.routeOptions.config
  if (answerUnavailable) {
    answerUnavailable(request, reply)
    return
  }
  const { code, message, details } = unavailable()
  request.note.code = code
  reply
    .status(503)
    .header('retry-after', String(details.retryAfter))
    .send({ errors: [{ message, extensions: { code, ...details } }] })
}
