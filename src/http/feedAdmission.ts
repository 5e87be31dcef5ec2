import type { FastifyReply, FastifyRequest } from 'fastify'
import type { OpenedAuth } from '../auth.ts'
import { outageOf } from '../database/outage.ts'
import { AuthError, unavailable } from '../errors.ts'
import type { Source } from '../limits/limits.ts'
import { Tally } from '../limits/tally.ts'
import { stateOf } from '../request/context.ts'
import { header } from '../request/message.ts'
import { Allowance } from '../revocation/allowance.ts'
import { feedProtocol } from '../revocation/feedFrames.ts'
import type { Service } from '../services/findService.ts'

/** How many feeds there may be. */
export interface FeedBounds {
  /** Of one node. Each takes 20 kB or so. */
  readonly feeds: number
  /** Of one service, so that none keeps the others out. */
  readonly feedsOfService: number
  /** New ones of a service in a minute: each reads the whole log. So many at once, when a fleet moves to this node. */
  readonly newFeedsOfService: number
}

export const feedBounds: FeedBounds = { feeds: 4000, feedsOfService: 2000, newFeedsOfService: 2000 }
const minuteMs = 60_000
/** Seconds after which a service that was refused may try again. */
const retryAfter = 5

/** The services whose upgrades were let in. */
const services = new WeakMap<FastifyRequest, Service>()

/** The service that a request for the feed was admitted for. */
export function serviceOf(request: FastifyRequest): Service {
  const service = services.get(request)
  if (service === undefined) throw new Error('A feed was opened without a service.')
  return service
}

/**
 * Lets a service's upgrade to the feed through, or answers it with a refusal. For the route's onRequest. Feeds are not
 * counted as sockets of clients (ANNUL_SOCKETS): a flood of clients must not keep verifiers out.
 */
export function admitFeeds(auth: OpenedAuth, bounds = feedBounds) {
  const { log, limits } = auth.parts
  const feeds = new Tally()
  const allowances = new Map<string, Allowance>()

  const mayOpen = ({ id }: Service): boolean => {
    if (feeds.all >= bounds.feeds || feeds.of(id) >= bounds.feedsOfService) return false
    const now = performance.now()
    const most = bounds.newFeedsOfService
    const allowance = allowances.get(id) ?? new Allowance(most, most / minuteMs, now)
    allowances.set(id, allowance)
    return allowance.take(now)
  }

  const find = async (request: FastifyRequest): Promise<Service | AuthError> => {
    // A browser sends one of these with every WebSocket. No page has a service's secret for good reason.
    if (header(request, 'origin') !== undefined || header(request, 'sec-fetch-site') !== undefined)
      return new AuthError('ORIGIN_NOT_ALLOWED', 'The feed is not for pages.')
    if (!offersProtocol(request))
      return new AuthError('BAD_USER_INPUT', `The feed speaks the subprotocol ${feedProtocol}.`)
    const secret = /^Bearer +([^ ]+)$/i.exec(header(request, 'authorization') ?? '')?.[1]
    try {
      const service = secret === undefined ? undefined : await auth.services.find(secret)
      // As at /oauth/introspect: a guess counts, and a right secret is never limited.
      if (service === undefined && secret !== undefined) limits.wrongSecret(visitorOf(auth, request))
      if (service === undefined)
        return new AuthError('UNAUTHENTICATED', 'The feed needs the secret of a service, as a Bearer token.')
      if (!service.rights.includes('feed'))
        return new AuthError('FORBIDDEN', 'This service does not have the right "feed".')
      return service
    } catch (error) {
      if (error instanceof AuthError) return error
      if (!outageOf(error)) log.error({ err: error }, 'The secret of a service can not be looked up.')
      return unavailable()
    }
  }

  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (!request.ws) return
    const found = await find(request)
    if (found instanceof AuthError) return refuse(request, reply, found)
    const { socket } = request.raw
    if (socket.destroyed) return reply.hijack()
    // In the step in which it is counted: the secrets of many are found by one statement, and all go on at once.
    if (!mayOpen(found)) return refuse(request, reply, unavailable(retryAfter))
    feeds.add(found.id)
    socket.once('close', () => feeds.remove(found.id))
    services.set(request, found)
  }
}

/** A socket has no answer that could carry a cookie. */
function visitorOf(auth: OpenedAuth, request: FastifyRequest): Source {
  return stateOf(auth.socketContext(request, () => undefined).auth).visitor
}

export function offersProtocol(request: { headers: FastifyRequest['headers'] }): boolean {
  const offered = header(request, 'sec-websocket-protocol') ?? ''
  return offered.split(',').some(protocol => protocol.trim() === feedProtocol)
}

const statuses: Partial<Record<AuthError['code'], number>> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  ORIGIN_NOT_ALLOWED: 403,
  TOO_MANY_REQUESTS: 429,
}

/** One answer to everything that can be wrong with a secret. */
function refuse(request: FastifyRequest, reply: FastifyReply, error: AuthError) {
  const { code, message, details, extensions } = error
  if (request.note) request.note.code = code
  if (code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer realm="annul"')
  if (typeof details.retryAfter === 'number') reply.header('retry-after', details.retryAfter)
  return reply.status(statuses[code] ?? 503).send({ errors: [{ message, extensions }] })
}
