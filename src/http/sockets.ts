import type { WebsocketHandler } from '@fastify/websocket'
import type { FastifyRequest } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import { CloseCode, makeServer } from 'graphql-ws'
import type { OpenedAuth } from '../auth.ts'
import { type AuthError, unauthenticated } from '../errors.ts'
import { hasPublicSubscription } from '../graphql/directive.ts'
import { type GraphQLContext, stateOf } from '../request/context.ts'
import { clientOf } from './socketAdmission.ts'
import { anonymousMs } from './socketBounds.ts'
import { SocketConnection, tokenOf, withoutToken } from './socketConnection.ts'
import { Documents } from './socketDocuments.ts'
import {
  begin,
  formatFailure,
  formatResult,
  isSubscription,
  prepare,
  refuseTooMany,
  rulesFor,
} from './socketOperation.ts'
import { type Shared, SocketTransport } from './socketTransport.ts'

/*
 * Subscriptions over graphql-ws. A socket is authenticated by the access token in connection_init and lives as long as
 * that token: when the token dies, the socket closes with 4401 and the reason, on every node, before the revoking
 * mutation returns. Before the token expires the client may send a fresh one in the payload of a ping (a second
 * connection_init is an error in that protocol).
 *
 * Each event is decided anew before it is resolved (graphql/directive.ts), with the token that is present then. When
 * the event is sent, the same token is checked once more. So no event leaves after the node knows that its token is
 * dead, whichever token the client has sent meanwhile; and the revoking mutation waits until the node knows.
 */

type Payload = Record<string, unknown> | undefined
interface Extra {
  readonly connection: SocketConnection
  readonly request: FastifyRequest
  /** What ends the app's part of each running operation. */
  readonly ends: Map<string, () => void>
}

/** An app's part of the context of one operation. */
export interface AppContext {
  readonly values: object
  /** Called when the operation is over. */
  end(): void
}

/** Makes an app's part of the context. @param init the payload of connection_init, without a token */
export type OpenAppContext = (request: FastifyRequest, init: Payload) => Promise<AppContext>

const internalError = 4500

/**
 * Serves the sockets that were let in (socketAdmission.ts).
 *
 * @param openAppContext default: the context has Annul's part alone
 */
export function socketHandler(
  auth: OpenedAuth,
  schema: GraphQLSchema,
  shared: Shared,
  openAppContext?: OpenAppContext,
): WebsocketHandler {
  const mayWaitWithoutToken = hasPublicSubscription(schema)
  const server = serve(auth, schema, openAppContext)
  const broken = (error: unknown) => auth.parts.log.error({ err: error }, 'A WebSocket failed.')

  return (socket, request) => {
    let receive = async (_message: string) => {}
    let finish = async (_code?: number, _reason?: string) => {}
    const transport = new SocketTransport(socket, request.raw.socket, clientOf(auth, request), shared, {
      message: text =>
        receive(text).catch(error => {
          // A message of a kind that only servers send. The library tells it by a plain Error.
          if (error instanceof Error && error.message.startsWith('Unexpected message of type'))
            return transport.close(CloseCode.BadRequest, 'Invalid message received')
          broken(error)
          transport.close(internalError, 'Internal server error')
        }),
      end() {
        clearTimeout(waiting)
        connection.end()
        // Ends the operations that still run.
        finish().catch(broken)
      },
    })
    const connection = new SocketConnection(auth, request, transport)
    const waiting = setTimeout(() => {
      if (!mayWaitWithoutToken && connection.token === undefined)
        connection.refuse(unauthenticated('TOKEN_MISSING'))
    }, anonymousMs)
    finish = server.opened(
      {
        protocol: socket.protocol,
        send: message => transport.send(message),
        close: (code = 1000, reason = '') => transport.close(code, reason),
        onMessage: callback => {
          receive = callback
        },
      },
      { connection, request, ends: new Map() },
    )
  }
}

/** The protocol of graphql-ws, for each socket. */
function serve(auth: OpenedAuth, schema: GraphQLSchema, openAppContext?: OpenAppContext) {
  const documents = new Documents(schema, rulesFor(auth.parts.config), auth.bounds.tokens)
  return makeServer<Payload, Extra>({
    connectionInitWaitTimeout: 5000,

    async onConnect(context) {
      const { connection } = context.extra
      connection.running = () => Object.keys(context.subscriptions)
      const token = tokenOf(context.connectionParams)
      return token === undefined || (await connection.present(token))
    },

    async onPing({ acknowledged, extra: { connection } }, payload) {
      const token = acknowledged ? tokenOf(payload) : undefined
      if (token !== undefined) await connection.present(token)
    },

    onSubscribe({ extra: { connection, request, ends }, connectionParams }, id, payload) {
      if (openAppContext === undefined) return prepare(schema, documents, auth, connection, payload)
      // Before anything of the app runs for the operation.
      const refused = refuseTooMany(connection)
      if (refused) return refused
      return openAppContext(request, withoutToken(connectionParams)).then(({ values, end }) => {
        ends.set(id, end)
        return prepare(schema, documents, auth, connection, payload, values)
      })
    },

    subscribe: begin,

    onNext({ extra: { connection } }, _id, _payload, args, result) {
      const state = stateOf((args.contextValue as GraphQLContext).auth)
      const conclude = (refused: AuthError | undefined) => {
        if (refused === undefined) return formatResult(auth, result)
        if (state.decidedToken === connection.token) connection.refuse(refused)
        // Ends the subscription: what is thrown here reaches `onError`.
        if (isSubscription(args)) throw refused
        return { data: null, errors: [auth.formatError({ message: '' }, refused)] }
      }
      const refused = state.refusedSince()
      // Where the view decides, nothing happens between the decision and the sending.
      return refused instanceof Promise ? refused.then(conclude) : conclude(refused)
    },

    onError({ extra }, id, _payload, errors) {
      endOf(extra, id)
      return errors.map(error => formatFailure(auth, error))
    },

    onComplete: ({ extra }, id) => endOf(extra, id),
  })
}

function endOf({ ends }: Extra, id: string): void {
  ends.get(id)?.()
  ends.delete(id)
}
