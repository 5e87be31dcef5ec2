import type { WebsocketHandler } from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { handleProtocols as handleGraphqlProtocols } from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { OpenedAuth } from '../auth.ts'
import { outageOf } from '../database/outage.ts'
import { feedProtocol } from '../revocation/feedFrames.ts'
import { admitFeeds, serviceOf } from './feedAdmission.ts'

const feedPath = '/feed'

/** A verifier's frames are short. */
const mostFrameBytes = 4096
/** How often ended services and silent sockets are looked for, in milliseconds. */
const lookMs = 1000
/** A verifier that has said nothing for so many leases is gone. */
const silentLeases = 3
/** How long the other side may take to answer a close, in milliseconds. */
const closeMs = 2000
/** RFC 6455, 7.4.1. */
const normalClosure = 1000
const policyViolation = 1008

/** One socket that is open. */
interface Feed {
  readonly secretId: string
  /** How often it was looked at since it said something. A pause of this process counts once, however long it is. */
  looks: number
  end(code: number, why: string): void
}

/** The subprotocol of a WebSocket, by its path: the feed's, or that of graphql-ws. For @fastify/websocket. */
export function handleProtocols(
  protocols: Set<string>,
  request: { url?: string | undefined },
): string | false {
  if (request.url?.split('?', 1)[0] !== feedPath) return handleGraphqlProtocols(protocols)
  return protocols.has(feedProtocol) && feedProtocol
}

/**
 * A stop asks the verifiers to attach elsewhere, before their sockets are closed. So to be called before
 * @fastify/websocket, which closes them, is registered.
 */
export function sayByeBeforeClose(app: FastifyInstance, { parts }: OpenedAuth): void {
  app.addHook('preClose', () => parts.revocation.feed.close())
}

/** `GET /feed`: the WebSocket by which verifiers follow this node (revocation/feed.ts). */
export function addFeed(app: FastifyInstance, auth: OpenedAuth): void {
  const feeds = new Set<Feed>()
  const { leaseMs } = auth.parts.config
  const mostLooks = Math.ceil((silentLeases * leaseMs) / lookMs) + 1

  const look = async () => {
    for (const feed of feeds) if (++feed.looks > mostLooks) feed.end(policyViolation, 'Nothing was heard.')
    if (feeds.size === 0) return
    const live = await auth.services.live([...new Set([...feeds].map(({ secretId }) => secretId))])
    for (const feed of feeds)
      if (!live.has(feed.secretId)) feed.end(policyViolation, 'The service has ended.')
  }
  let isLooking = false
  const timer = setInterval(async () => {
    if (isLooking) return
    isLooking = true
    await look().catch(error => {
      // During an outage the feeds go on: a service ends by a later look.
      if (!outageOf(error)) auth.parts.log.error({ err: error }, 'Ended services can not be looked for.')
    })
    isLooking = false
  }, lookMs).unref()

  app.addHook('onClose', async () => clearInterval(timer))
  app.route({
    url: feedPath,
    method: 'GET',
    onRequest: admitFeeds(auth),
    handler: async (_request, reply) =>
      reply
        .status(426)
        .header('upgrade', 'websocket')
        .send({ errors: [{ message: 'The feed is a WebSocket.', extensions: { code: 'BAD_REQUEST' } }] }),
    wsHandler: feedHandler(auth, feeds),
  })
}

function feedHandler({ parts }: OpenedAuth, feeds: Set<Feed>): WebsocketHandler {
  const { feed: ofNode } = parts.revocation
  return (socket, request) => {
    const { name, secretId } = serviceOf(request)
    const end = (code: number, why: string) => close(socket, code, why)
    const open: Feed = { secretId, looks: 0, end }
    const connection = ofNode.attach(
      {
        send: (text, sent) => socket.send(bytesOf(text), { binary: false }, sent && (() => sent())),
        get unsentBytes() {
          return socket.bufferedAmount
        },
        close: why => end(why === 'Bye.' ? normalClosure : policyViolation, why),
      },
      { kind: 'VERIFIER', name },
    )
    feeds.add(open)
    socket.on('message', (data, isBinary) => {
      if (socket.readyState !== socket.OPEN) return
      open.looks = 0
      const text = isBinary ? '' : String(data)
      if (text === '' || text.length > mostFrameBytes) end(policyViolation, 'This is no frame of the feed.')
      else connection.receive(text)
    })
    socket.once('close', () => {
      feeds.delete(open)
      connection.closed()
    })
  }
}

let lastText = ''
let lastBytes = Buffer.alloc(0)

/** The same text goes to hundreds of sockets, and is encoded once. */
function bytesOf(text: string): Buffer {
  if (text !== lastText) {
    lastText = text
    lastBytes = Buffer.from(text)
  }
  return lastBytes
}

/** The other side may have stopped reading: then it is cut off. */
function close(socket: WebSocket, code: number, why: string): void {
  if (socket.readyState !== socket.OPEN) return
  socket.close(code, why)
  setTimeout(() => socket.terminate(), closeMs).unref()
}
