import type { FastifyReply, FastifyRequest } from 'fastify'
import type { OpenedAuth } from '../auth.ts'
import { AuthError, tooManyRequests, unavailable } from '../errors.ts'
import { Tally } from '../limits/tally.ts'
import { stateOf } from '../request/context.ts'
import { isForeignPage } from '../request/cookies.ts'
import type { RequestLike } from '../request/message.ts'
import { networkOf } from '../tokens/binding.ts'
import type { Turns } from './socketTurns.ts'

/** Seconds after which a client that was refused may try again. */
const retryAfter = 10

/** Lets an upgrade to a WebSocket through, or answers it with a refusal: 403, 429 or 503. For the route's onRequest. */
export function admitSockets(auth: OpenedAuth, turns: Turns) {
  const { config } = auth.parts
  const sockets = new Tally()

  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (!request.ws) return
    const client = clientOf(auth, request)
    // A browser opens a WebSocket to any server for any page, without a preflight (cross-site WebSocket hijacking).
    if (isForeignPage(config, request)) return refuse(request, reply, 403, foreignPage())
    if (sockets.all >= config.sockets) return refuse(request, reply, 503, unavailable(retryAfter))
    if (sockets.of(client) >= config.socketsPerAddress)
      return refuse(request, reply, 429, tooManyRequests(retryAfter))
    const { socket } = request.raw
    if (socket.destroyed) return reply.hijack()
    sockets.add(client)
    socket.once('close', () => sockets.remove(client))
    await turns.wait(client)
  }
}

/** The client that a socket counts for: its IPv4 address, or the /64 of its IPv6 address, which one household has. */
export function clientOf(auth: OpenedAuth, request: RequestLike): string {
  const { ipAddress } = stateOf(auth.socketContext(request, () => undefined).auth).visitor
  return ipAddress === null ? 'unknown' : networkOf(ipAddress)
}

function foreignPage(): AuthError {
  return new AuthError('ORIGIN_NOT_ALLOWED', 'A page of this origin may not open a WebSocket here.')
}

function refuse(request: FastifyRequest, reply: FastifyReply, status: number, error: AuthError) {
  const { message, code, details, extensions } = error
  // The server of an app has no such log.
  if (request.note) request.note.code = code
  if (typeof details.retryAfter === 'number') reply.header('retry-after', details.retryAfter)
  return reply.status(status).send({ errors: [{ message, extensions }] })
}
