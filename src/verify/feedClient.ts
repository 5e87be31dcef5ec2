import type { Log } from '../log.ts'
import type { Clock } from '../revocation/clock.ts'
import type { FeedReader } from './feedReader.ts'
import { NodeSocket } from './nodeSocket.ts'

export interface FeedClientOptions {
  readonly nodes: readonly URL[]
  readonly service: string
  readonly reader: FeedReader
  readonly clock: Clock
  readonly log: Log
  /** Called when every node has refused for a reason that does not go away by itself. */
  readonly onRefused: (why: Error) => void
}

const firstPauseMs = 50
const longestPauseMs = 2000
/** A socket that was fresh for so long was a good one: after it there is no need to wait. */
const goodMs = 10_000
const toldEveryMs = 30_000
/** Of HTTP. What a node answers during an outage or under load is no refusal. */
const isRefusal = (status: number) => status < 500 && status !== 408 && status !== 429

/** Follows one of the nodes, and moves on to the next when a node is lost, silent or about to stop. */
export class FeedClient {
  readonly #options: FeedClientOptions
  readonly #sockets = new Set<NodeSocket>()
  /** The socket that is to make the view fresh. The others were asked to leave. */
  #current: NodeSocket | undefined
  /** Verifiers that start at once spread over the nodes. */
  #next: number
  #failures = 0
  #cancel = () => {}
  #isClosed = false
  #toldAt = Number.NEGATIVE_INFINITY
  #isLost = false
  /** By node: the refusal that it has answered with last. */
  readonly #refused = new Map<URL, number>()

  constructor(options: FeedClientOptions) {
    this.#options = options
    this.#next = Math.floor(Math.random() * options.nodes.length)
  }

  start(): void {
    this.#attach()
  }

  /** To be called when a socket has made the view fresh. */
  noteFresh(): void {
    const fresh = [...this.#sockets].find(({ isReceiving }) => isReceiving)
    if (fresh === undefined) return
    fresh.noteFresh()
    this.#refused.clear()
    if (this.#isLost) this.#options.log.info({ node: fresh.node.origin }, 'An auth node is followed again.')
    this.#isLost = false
    for (const other of [...this.#sockets]) if (other !== fresh && other.isAskedToLeave) other.leave()
  }

  /** Says bye, and closes everything. */
  close(): void {
    this.#isClosed = true
    this.#cancel()
    for (const socket of [...this.#sockets]) socket.leave()
  }

  #attach(): void {
    const { nodes, service, reader, clock } = this.#options
    const node = nodes[this.#next++ % nodes.length]
    if (this.#isClosed || node === undefined) return
    const socket = new NodeSocket(
      node,
      { service, reader, clock },
      {
        bye: () => {
          if (socket !== this.#current) return
          this.#current = undefined
          this.#attach()
        },
        ended: (why, status) => this.#ended(socket, why, status),
      },
    )
    this.#sockets.add(socket)
    this.#current = socket
  }

  #ended(socket: NodeSocket, why: string, status: number | undefined): void {
    this.#sockets.delete(socket)
    if (this.#isClosed || socket !== this.#current) return
    this.#current = undefined
    this.#failures = socket.freshForMs >= goodMs ? 0 : this.#failures + 1
    this.#tell(socket.node, why, status)
    // Jitter, so that the verifiers of a lost node do not come to the next one all at once.
    const most = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures)
    this.#cancel = this.#options.clock.after(Math.random() * most, () => this.#attach())
  }

  #tell(node: URL, why: string, status: number | undefined): void {
    const { log, nodes, onRefused } = this.#options
    const now = this.#options.clock.monotonic()
    this.#isLost = true
    if (now - this.#toldAt >= toldEveryMs) {
      this.#toldAt = now
      const details = { node: node.origin, why }
      if (status === 401 || status === 403)
        log.error(details, "A node refuses this service's secret, or its right to the feed.")
      else log.warn(details, 'An auth node can not be followed; trying the next.')
    }
    if (status !== undefined && isRefusal(status)) this.#refused.set(node, status)
    else this.#refused.delete(node)
    if (this.#refused.size === new Set(nodes).size)
      onRefused(
        new Error(
          `Every node has refused the feed: ${node.origin} has answered with ${this.#refused.get(node)}.`,
        ),
      )
  }
}
