import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
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
  /** Those of `taken` that are given back at the end of this turn of the event loop. */
  leaving: number
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
      whenOver(request.raw.socket, reply.raw, () => giveBack(places))
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
  const places: Places = { taken: 0, leaving: 0, refused }
  metrics.gauge('annul_requests_in_flight', 'Requests that are being worked on.', () => places.taken)
  placesOf.set(parts, places)
  return places
}

/**
 * A place is given back at the end of the event loop's turn, not before: what arrives in one turn was there at one time.
 * A request that needs no database is answered within its turn. Where each gave its place to the next, a turn would work
 * through all that had arrived, however many, and what waits for the database would wait for the end of it.
 */
function giveBack(places: Places): void {
  if (places.leaving++ > 0) return
  setImmediate(() => {
    places.taken -= places.leaving
    places.leaving = 0
  })
}

/** By connection, what waits for the end of a request that came by it. */
const waitingOf = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls back once: when the response is closed, or its connection is. A response to a pipelined request has no connection
 * before those ahead of it are answered, and where the client goes away meanwhile, it is never closed. By sending two
 * requests at once and hanging up, one client could otherwise take all places for ever.
 */
function whenOver(socket: Socket, response: ServerResponse, over: () => void): void {
  const waiting = waitingOf.get(socket) ?? watch(socket)
  const end = () => {
    if (waiting.delete(end)) over()
  }
  waiting.add(end)
  response.once('close', end)
  // A server around this one may have kept the request until its client was gone.
  if (socket.destroyed) end()
}

/** One listener a connection, however many requests come by it at once. */
function watch(socket: Socket): Set<() => void> {
  const waiting = new Set<() => void>()
  waitingOf.set(socket, waiting)
  socket.once('close', () => {
    for (const end of waiting) end()
  })
  return waiting
}

function refuse(request: FastifyRequest, reply: FastifyReply): void {
  const { answerUnavailable } = request.routeOptions.config
  if (answerUnavailable) {
    answerUnavailable(request, reply)
    return
  }
  const { code, message, details, extensions } = unavailable()
  request.note.code = code
  reply
    .status(503)
    .header('retry-after', String(details.retryAfter))
    .send({ errors: [{ message, extensions }] })
}
