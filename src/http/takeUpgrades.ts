import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** The part of a server of `node:http` or `node:https` by which its upgrades are taken. */
export type UpgradingServer = Pick<Server, 'prependListener' | 'off' | 'emit' | 'listeners'>

/** The upgrades of an app's server that are Annul's. */
export interface Upgrades {
  /** Whether Annul has taken the connection of the request over, whoever else still sees the request. */
  isTaken(request: IncomingMessage): boolean
  stop(): void
}

/** What Annul has taken, and the listeners that take: an app may have several Annuls. */
const taken = new WeakSet<IncomingMessage>()
const ours = new WeakSet<object>()

/**
 * Takes the WebSockets of some paths over from an app's server. Others who listen for upgrades see all of them: those that
 * are not Annul's are left to them, and where there is nobody else they become ordinary requests again.
 */
export function takeUpgrades(
  server: UpgradingServer,
  paths: readonly string[],
  take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Upgrades {
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const isOurs = isWebSocket(request) && paths.includes(request.url?.split('?', 1)[0] ?? '')
    if (isOurs) {
      taken.add(request)
      // Node has left the socket without a listener for errors: a client that resets it would end the process.
      socket.on('error', () => socket.destroy())
    }
    // After everybody else has seen the event: @fastify/websocket of the app puts a response on each socket.
    process.nextTick(() => {
      if (socket.destroyed) return
      if (isOurs) {
        detach(socket)
        take(request, socket, head)
      } else if (!taken.has(request) && isLeftToUs(server, onUpgrade))
        serveAgain(server, request, socket, head)
    })
  }
  ours.add(onUpgrade)
  // First, so that isTaken is right for whoever sees the request then.
  server.prependListener('upgrade', onUpgrade)
  return { isTaken: request => taken.has(request), stop: () => server.off('upgrade', onUpgrade) }
}

/** Whether nobody but Annul listens; true for one of its listeners only. */
function isLeftToUs(server: UpgradingServer, listener: object): boolean {
  const listeners = server.listeners('upgrade')
  return listeners[0] === listener && listeners.every(each => ours.has(each))
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/** Node keeps the response of a socket in this field. */
function detach(socket: Duplex): void {
  const { _httpMessage: response } = socket as { _httpMessage?: unknown }
  if (response instanceof ServerResponse) response.detachSocket(socket as never)
}

/**
 * Without a listener for upgrades, Node serves a request as if it had not asked for one. So it must stay where Annul's is
 * the only listener: clients of HTTP/2, such as Java's, ask with their first request. Node has stopped reading the
 * connection, and begins anew when it gets the request without the wish.
 */
function serveAgain(
  server: UpgradingServer,
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (!/^(upgrade|connection|http2-settings)$/i.test(rawHeaders[at] ?? ''))
      lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`)
  if (head.length > 0) socket.unshift(head)
  socket.unshift(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
  // What an HTTPS server calls the connection inside of TLS.
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
}
