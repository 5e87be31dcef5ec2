import type { WebsocketHandler } from '@fastify/websocket'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { admitSockets } from '../http/socketAdmission.ts'
import { Crowd } from '../http/socketCrowd.ts'
import { type AppContext, socketHandler } from '../http/sockets.ts'
import { Turns } from '../http/socketTurns.ts'
import { Subscriber } from './mercuriusPubSub.ts'

type Values = Record<string, unknown>
type OwnContext = ((request: FastifyRequest, init: Values) => object | Promise<object>) | undefined

/**
 * For Mercurius: subscriptions as on Annul's own server (http/sockets.ts). Mercurius' own connections validate nothing,
 * tell clients whatever was thrown, and can't end with their tokens. So its sockets are taken over before they reach it.
 */
export function mercuriusSockets(auth: OpenedAuth, own: OwnContext) {
  const crowd = new Crowd()
  const turns = new Turns(client => crowd.isHalted(client))
  crowd.onRelief = () => turns.schedule()
  const admit = admitSockets(auth, turns)
  const handlers = new WeakMap<GraphQLSchema, WebsocketHandler>()
  const upgrades = new WeakMap<FastifyRequest, FastifyReply>()

  const handlerFor = (app: FastifyInstance): WebsocketHandler => {
    const { schema } = app.graphql
    const known = handlers.get(schema)
    if (known) return known
    const made = socketHandler(auth, schema, { crowd, turns }, (request, init = {}) =>
      openAppContext(app, request, init),
    )
    handlers.set(schema, made)
    return made
  }

  const openAppContext = async (
    app: FastifyInstance,
    request: FastifyRequest,
    init: Values,
  ): Promise<AppContext> => {
    const pubsub = new Subscriber(app.graphql.pubsub)
    const reply = { request }
    const values = { ...(await own?.(request, init)), app, pubsub, reply, request }
    addLoaders(app, upgrades.get(request), values)
    return { values, end: () => pubsub.close() }
  }

  return {
    /** Takes the upgrade to a WebSocket over. @returns the reply where nothing is left to do */
    async open(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
      if (!request.ws) return undefined
      await admit(request, reply)
      if (reply.sent) return reply
      reply.hijack()
      upgrades.set(request, reply)
      const { raw } = request
      // A client sends nothing before the upgrade is answered (RFC 6455, 4.1), so there is no head.
      app.websocketServer.handleUpgrade(raw, raw.socket, Buffer.alloc(0), socket => {
        socket.on('error', error => {
          // A mistake of a client is no error of this server, so the level is info.
          request.log.info({ err: error }, 'A WebSocket broke.')
          socket.terminate()
        })
        app.websocketServer.emit('connection', socket, raw)
        handlerFor(app).call(app, socket, request)
      })
      return reply
    },

    /** For Mercurius' own connections, which no socket should reach. */
    refuse(): never {
      throw new Error(
        'Mercurius runs without the additionalRouteOptions of annulMercurius: give those of the app to ' +
          'annulMercurius(auth, { additionalRouteOptions }).',
      )
    },
  }
}

/**
 * Makes the loaders of one operation, and puts them where the resolvers of defineLoaders look for them. Mercurius knows
 * both places by symbols of its own.
 */
function addLoaders(
  app: FastifyInstance,
  upgrade: FastifyReply | undefined,
  values: { reply: object },
): void {
  const factories = symbolOf(app, 'mercurius.subscriptionLoadersFactory')
  const loaders = symbolOf(upgrade, 'mercurius.loaders')
  if (factories === undefined || loaders === undefined) return
  const factory: { create(context: object): unknown } = Reflect.get(app, factories)
  Object.assign(values.reply, { [loaders]: factory.create(values) })
}

/** The symbol of this description among the members of an object, inherited ones included. */
function symbolOf(object: unknown, description: string): symbol | undefined {
  for (let at = object; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertySymbols(at).find(symbol => symbol.description === description)
    if (found) return found
  }
  return undefined
}
