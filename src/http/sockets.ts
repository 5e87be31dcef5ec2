import type { WebsocketHandler } from '@fastify/websocket'
import type { FastifyRequest } from 'fastify'
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql'
import { makeHandler } from 'graphql-ws/use/@fastify/websocket'
import type { WebSocket } from 'ws'
import type { OpenedAuth } from '../auth.ts'
import type { Ending } from '../decisions/tokenWatch.ts'
import { AuthError } from '../errors.ts'
import type { RequestLike } from '../request/message.ts'
import type { Viewer } from '../viewer.ts'
import { readOperation, validatorFor } from './socketOperations.ts'

/*
 * Subscriptions over graphql-ws. A socket is authenticated by the access token in connection_init and lives as long as
 * it: when it dies, the socket closes with 4401 and the reason, on every node, before the revoking mutation returns.
 * Before it expires the client may send a fresh one in the payload of a ping (a second connection_init is an error in
 * that protocol).
 */

/** What a socket lives by. */
interface Connection {
  readonly request: FastifyRequest
  readonly socket: WebSocket
  token: string | undefined
  viewer: Viewer | undefined
  unwatch: () => void
}

const unauthorized = 4401
/** Try again later: a client reconnects, and nobody is signed out. */
const tryAgainLater = 1013

export function socketHandler(auth: OpenedAuth, schema: GraphQLSchema): WebsocketHandler {
  const connections = new WeakMap<WebSocket, Connection>()

  const close = ({ socket }: Connection, why: string) =>
    why === 'UNAVAILABLE' ? socket.close(tryAgainLater, why) : socket.close(unauthorized, why)

  /** Takes a token over, from connection_init or a ping. @returns false when the socket was closed instead */
  const present = async (connection: Connection, token: string): Promise<boolean> => {
    const decision = await auth.context(withToken(connection.request, token), noCookies).auth.decide()
    if (decision instanceof AuthError) {
      close(connection, decision.reason ?? decision.code)
      return false
    }
    // A socket stays its user's: else a subscription would go on with another's rights.
    if (connection.viewer && connection.viewer.userId !== decision.userId) {
      close(connection, 'TOKEN_INVALID')
      return false
    }
    connection.unwatch()
    connection.token = token
    connection.viewer = decision
    connection.unwatch = auth.watch.watch(decision.claims, (why: Ending) => close(connection, why))
    return true
  }

  /** Nothing is sent to a token that died, or that nobody can vouch for. */
  const mayReceive = async (connection: Connection): Promise<boolean> => {
    if (connection.token === undefined) return true
    const decision = await auth
      .context(withToken(connection.request, connection.token), noCookies)
      .auth.decide()
    if (!(decision instanceof AuthError)) return true
    close(connection, decision.reason ?? decision.code)
    return false
  }

  const found = (extra: { socket: WebSocket }) => {
    const connection = connections.get(extra.socket)
    if (!connection) throw new Error('A message came before its connection_init.')
    return connection
  }

  return makeHandler<Record<string, unknown> | undefined>({
    schema,
    // Nothing of an internal error in a close reason.
    isProd: true,
    connectionInitWaitTimeout: 5000,

    async onConnect({ connectionParams, extra }) {
      const { request, socket } = extra
      const connection: Connection = {
        request,
        socket,
        token: undefined,
        viewer: undefined,
        unwatch: () => {},
      }
      connections.set(socket, connection)
      socket.once('close', () => connection.unwatch())
      const token = tokenOf(connectionParams)
      if (token !== undefined && !(await present(connection, token))) return false
      return true
    },

    async onPing({ extra, acknowledged }, payload) {
      const token = acknowledged ? tokenOf(payload) : undefined
      if (token !== undefined) await present(found(extra), token)
    },

    validate: validatorFor(auth.parts.config),

    onSubscribe(_context, _id, payload) {
      const operation = readOperation(payload)
      if (operation instanceof GraphQLError) return [operation]
      // A mutation's answer may carry cookies, which a socket can't.
      return operation === 'mutation'
        ? [new GraphQLError('Mutations are sent over HTTP.', { extensions: { code: 'BAD_REQUEST' } })]
        : undefined
    },

    context({ extra }) {
      const { request, token } = found(extra)
      return { ...auth.context(withToken(request, token), noCookies), note: {} }
    },

    async onNext({ extra }, _id, _payload, _args, result) {
      if (!(await mayReceive(found(extra)))) return { data: null }
      return result.errors ? { data: result.data ?? null, errors: format(result.errors) } : undefined
    },

    onError: (_context, _id, _payload, errors) => format(errors, 'GRAPHQL_VALIDATION_FAILED'),
  })

  /** Apollo Server does the same for HTTP. */
  function format(errors: readonly GraphQLError[], code = 'INTERNAL_SERVER_ERROR'): GraphQLFormattedError[] {
    return errors.map(error =>
      auth.formatError({ ...error.toJSON(), extensions: { code, ...error.extensions } }, error),
    )
  }
}

const noCookies = { appendHeader: () => {} }

function withToken({ headers, socket }: FastifyRequest, token: string | undefined): RequestLike {
  const { authorization: _, ...others } = headers
  return { socket, headers: { ...others, ...(token !== undefined && { authorization: `Bearer ${token}` }) } }
}

/** `{ accessToken }`, or an Authorization header's value as other clients send it. */
function tokenOf(payload: Record<string, unknown> | undefined): string | undefined {
  if (typeof payload?.accessToken === 'string') return payload.accessToken
  const header = payload?.Authorization ?? payload?.authorization
  return typeof header === 'string' ? header.replace(/^Bearer +/i, '') : undefined
}
