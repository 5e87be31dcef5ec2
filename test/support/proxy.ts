import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * What the network does to the connections of a node.
 *  - forward: everything passes.
 *  - drop: nothing passes and neither side is told, as when packets are lost. Held data arrives in the next mode that
 *    forwards, as TCP would send it again; only then does a side notice that the other side has hung up.
 *  - cut: all connections are reset, new ones too.
 *  - deaf: notifications of PostgreSQL are lost, everything else passes.
 *  - mute: what the node says passes, what PostgreSQL answers waits until the proxy forwards again.
 */
export type ProxyMode = 'forward' | 'drop' | 'cut' | 'deaf' | 'mute'

export interface NodeProxy {
  readonly port: number
  /** The number of lost notifications. */
  readonly lost: number
  set(mode: ProxyMode): void
  /** Delays each piece of data in both directions, in every mode that lets data pass. */
  delay(milliseconds: number): void
  close(): Promise<void>
}

/**
 * Starts a proxy on a free port, for the connections of one node to its PostgreSQL.
 *
 * @param target where new connections lead; its members may be changed
 * @param speaks `other`: another server than PostgreSQL, whose answers are not looked into, so nothing is `deaf`
 */
export async function startProxy(
  target: { host: string; port: number },
  speaks: 'postgres' | 'other' = 'postgres',
): Promise<NodeProxy> {
  let mode: ProxyMode = 'forward'
  let delayMs = 0
  let lost = 0
  let open = Promise.resolve()
  let reopen = () => {}
  const sockets = new Set<Socket>()

  const passage = async (isAnswer: boolean) => {
    if (delayMs > 0) await delay(delayMs)
    while (mode === 'drop' || (mode === 'mute' && isAnswer)) await open
  }

  /** Copies until `from` has hung up. `to` is told of that as soon as data can pass. */
  const pump = async (from: Socket, to: Socket, isAnswer: boolean, filter: (chunk: Buffer) => Buffer) => {
    try {
      for await (const chunk of from) {
        await passage(isAnswer)
        to.write(filter(chunk))
      }
      await passage(isAnswer)
      to.end()
    } catch {
      await passage(isAnswer)
      reset(to)
    }
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    if (mode === 'cut') {
      client.on('error', () => {})
      reset(client)
      return
    }
    const upstream = connect({ ...target, noDelay: true, allowHalfOpen: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    const filter = notificationFilter(() => {
      if (mode !== 'deaf') return false
      lost++
      return true
    })
    void pump(client, upstream, false, chunk => chunk)
    void pump(upstream, client, true, speaks === 'postgres' ? filter : chunk => chunk)
  })
  const port = await new Promise<number>(resolve =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    }),
  )

  const proxy: NodeProxy = {
    port,
    get lost() {
      return lost
    },
    set(wanted) {
      mode = wanted
      reopen()
      if (mode === 'drop' || mode === 'mute')
        open = new Promise(resolve => {
          reopen = resolve
        })
      if (mode === 'cut') for (const socket of sockets) reset(socket)
    },
    delay(milliseconds) {
      delayMs = milliseconds
    },
    close() {
      proxy.set('cut')
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
  return proxy
}

/** Stands where a proxy is left out: its port is the server's own, and it can make no fault. */
export function noProxy(port: number): NodeProxy {
  const refuse = () => {
    throw new Error('There is no proxy.')
  }
  return { port, lost: 0, set: refuse, delay: refuse, close: async () => {} }
}

/**
 * Resets a connection. While an `end()` is under way, libuv refuses a reset and leaves the handle open, so then the
 * socket is closed instead.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

/**
 * Takes NotificationResponse ('A') out of what a server says: each message is a letter and a length of four bytes,
 * which counts itself. Only whole messages are passed on.
 */
function notificationFilter(isLost: () => boolean): (chunk: Buffer) => Buffer {
  let rest = Buffer.alloc(0)
  return chunk => {
    let data = Buffer.concat([rest, chunk])
    const passed: Buffer[] = []
    while (data.length >= 5) {
      const length = 1 + data.readUInt32BE(1)
      if (data.length < length) break
      const message = data.subarray(0, length)
      if (message.toString('latin1', 0, 1) !== 'A' || !isLost()) passed.push(message)
      data = data.subarray(length)
    }
    rest = data
    return Buffer.concat(passed)
  }
}
