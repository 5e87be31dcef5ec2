import { WebSocket } from 'ws'
import type { Clock } from '../revocation/clock.ts'
import { feedProtocol, readNodeFrame } from '../revocation/feedFrames.ts'
import type { FeedReader, ReaderConnection } from './feedReader.ts'
import { at } from './options.ts'

/** What whoever has opened a socket is told of it. */
export interface SocketListeners {
  /** The node is about to stop: time to attach elsewhere. The socket is to be left then, or when it can't be used. */
  bye(): void
  /** Called once. @param status of HTTP, where the node has refused the WebSocket */
  ended(why: string, status: number | undefined): void
}

/** A frame has at most 1,000 entries, of 150 bytes or so. */
const mostFrameBytes = 1_048_576
const handshakeMs = 2000
/** How long a node may be heard without telling anything that makes fresh, in leases: its own database may be lost. */
const patienceLeases = 3
/** Before the first answer. */
const firstLeaseMs = 2000
/** Longer frames are no beats and no byes. */
const shortFrame = 256
const closeMs = 1000

/** One WebSocket to the feed of one node. Ends by itself when the node is silent, or of no use. */
export class NodeSocket {
  readonly node: URL
  readonly #socket: WebSocket
  readonly #clock: Clock
  readonly #listeners: SocketListeners
  #connection: ReaderConnection | undefined
  #leaseMs = firstLeaseMs
  #heardAt: number
  #usefulAt: number
  /** When it made the view fresh for the first time. */
  #freshAt: number | undefined
  #isAskedToLeave = false
  #cancel = () => {}
  #hasEnded = false
  /** Whether something of this socket is being taken: then it is this socket that makes the view fresh. */
  isReceiving = false

  constructor(
    node: URL,
    options: { service: string; reader: FeedReader; clock: Clock },
    listeners: SocketListeners,
  ) {
    const { service, reader, clock } = options
    this.node = node
    this.#clock = clock
    this.#listeners = listeners
    this.#heardAt = clock.monotonic()
    this.#usefulAt = this.#heardAt
    const socket = new WebSocket(at(node, '/feed').replace(/^http/, 'ws'), [feedProtocol], {
      headers: { authorization: `Bearer ${service}` },
      // Otherwise whoever can redirect would get the secret.
      followRedirects: false,
      perMessageDeflate: false,
      maxPayload: mostFrameBytes,
      handshakeTimeout: handshakeMs,
    })
    this.#socket = socket
    socket.on('open', () => {
      this.#heardAt = clock.monotonic()
      this.#usefulAt = this.#heardAt
      this.#connection = reader.open({
        send: text => {
          if (socket.readyState === socket.OPEN) socket.send(text)
        },
        close: () => this.#end('it has sent what is no frame of the feed'),
      })
      this.#watch()
    })
    socket.on('message', (data, isBinary) => this.#receive(isBinary ? '' : String(data)))
    socket.on('unexpected-response', (request, { statusCode }) => {
      request.destroy()
      this.#end(`it has answered with ${statusCode}`, statusCode)
    })
    // The error's message names neither the secret nor what was sent.
    socket.on('error', error => this.#end('code' in error ? String(error.code) : error.message))
    socket.on('close', code => this.#end(`it has closed the socket (${code})`))
  }

  /** Milliseconds since the socket made the view fresh for the first time; 0: it never did. */
  get freshForMs(): number {
    return this.#freshAt === undefined ? 0 : this.#clock.monotonic() - this.#freshAt
  }

  /** To be called when the view became fresh by this socket. */
  noteFresh(): void {
    this.#usefulAt = this.#clock.monotonic()
    this.#freshAt ??= this.#usefulAt
  }

  /** Whether the node has said bye, and is not answered yet. */
  get isAskedToLeave(): boolean {
    return this.#isAskedToLeave
  }

  /** Stops deciding by this socket, says so, and closes it. */
  leave(): void {
    this.#connection?.leave()
    this.#connection?.closed()
    this.#end('it was left')
  }

  #receive(text: string): void {
    this.#heardAt = this.#clock.monotonic()
    if (this.#connection === undefined || this.#hasEnded) return
    const frame = text.length < shortFrame ? readNodeFrame(text) : undefined
    if (typeof frame === 'object' && frame.type === 'bye') {
      if (this.#isAskedToLeave) return
      // Decides by its former answers until another node has answered: the node waits for as long.
      this.#isAskedToLeave = true
      this.#listeners.bye()
      return
    }
    if (typeof frame === 'object' && frame.type === 'beat') this.#leaseMs = frame.lease
    // The first load may take long.
    else if (this.#freshAt === undefined) this.#usefulAt = this.#heardAt
    this.isReceiving = true
    this.#connection.receive(text)
    this.isReceiving = false
  }

  /**
   * After a pause of this process its timers run before its sockets are read: what came meanwhile is read before the
   * node is called silent.
   */
  #watch(): void {
    const look = () => {
      const now = this.#clock.monotonic()
      if (now - this.#heardAt >= this.#leaseMs) this.#end('it is silent')
      else if (!this.#isAskedToLeave && now - this.#usefulAt >= patienceLeases * this.#leaseMs)
        this.#end('it has no picture that may be used')
      else this.#watch()
    }
    this.#cancel = this.#clock.after(this.#leaseMs / 4, () => setImmediate(() => this.#hasEnded || look()))
  }

  #end(why: string, status?: number): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#cancel()
    this.#connection?.closed()
    const socket = this.#socket
    if (socket.readyState === socket.CLOSED) {
      this.#listeners.ended(why, status)
      return
    }
    socket.close()
    const cut = setTimeout(() => socket.terminate(), closeMs)
    socket.once('close', () => clearTimeout(cut))
    this.#listeners.ended(why, status)
  }
}
