import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import {
  closeMs,
  congestedBytes,
  keepAliveMs,
  maxMessages,
  maxUnsentBytes,
  messageOverheadBytes,
} from './socketBounds.ts'
import type { Crowd, Member } from './socketCrowd.ts'
import { startReading, stopReading } from './socketReading.ts'
import type { Turns, Worker } from './socketTurns.ts'

/** What all sockets of a server share. */
export interface Shared {
  readonly turns: Turns
  readonly crowd: Crowd
}

export interface Listeners {
  /** Called with one message in each turn. */
  message(text: string): void
  /** Called once, as soon as either side closes. */
  end(): void
}

/** As HTTP's 413. */
const tooLarge = 4413
/** As HTTP's 429. */
const tooMany = 4429

/** Receives and sends the messages of one socket, within the bounds of socketBounds.ts. */
export class SocketTransport implements Member, Worker {
  readonly group: string
  progressAt = performance.now()
  unsent = 0
  readonly #socket: WebSocket
  readonly #connection: Socket
  readonly #shared: Shared
  readonly #listeners: Listeners
  readonly #keepAlive: NodeJS.Timeout
  #messages: string[] = []
  #isRead = true
  #answeredPing = true
  #ended = false
  /** Whether the socket's unsent bytes were given back: later calls of #addUnsent change nothing. */
  #forgotten = false

  /**
   * @param connection the network connection of the socket
   * @param group sockets of one group share turns: the client's address
   */
  constructor(socket: WebSocket, connection: Socket, group: string, shared: Shared, listeners: Listeners) {
    this.#socket = socket
    this.#connection = connection
    this.group = group
    this.#shared = shared
    this.#listeners = listeners
    this.#keepAlive = setInterval(() => this.#ping(), keepAliveMs)
    socket.on('message', data => this.#receive(data))
    socket.on('pong', () => {
      this.#answeredPing = true
    })
    socket.once('close', () => this.#forget())
    shared.crowd.join(this)
    this.adjustReading()
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** @returns when the message has left the node and the event loop has turned, or when it can't be sent */
  send(message: string): Promise<void> {
    if (!this.isOpen) return Promise.resolve()
    const bytes = Buffer.from(message)
    if (this.unsent + bytes.length > maxUnsentBytes) {
      this.close(tooLarge, 'Too many bytes are unread.')
      return Promise.resolve()
    }
    this.#addUnsent(bytes.length)
    return new Promise(resolve => {
      const sent = () => {
        this.#addUnsent(-bytes.length)
        this.#progress()
        // Otherwise a source that always has another event would keep the event loop from turning.
        setImmediate(resolve)
      }
      this.#socket.send(bytes, { binary: false }, sent)
    })
  }

  /** Closes, after what was sent before. A client that does not answer in time is cut off. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return
    this.#socket.close(code, reason)
    setTimeout(() => this.drop(), closeMs).unref()
    this.#end()
  }

  drop(): void {
    this.#socket.terminate()
    this.#forget()
  }

  takeTurn(): void {
    if (this.#isCongested) return
    const message = this.#messages.shift()
    if (message === undefined) return
    this.#shared.crowd.addReceived(this.group, -costOf(message))
    this.#listeners.message(message)
    this.#progress()
    this.adjustReading()
  }

  adjustReading(): void {
    const shouldRead = this.#messages.length === 0 && this.#shared.crowd.mayRead(this.group)
    // After a close, reading is neither stopped nor started: an answer that stays unread only delays the end.
    if (shouldRead === this.#isRead || this.#ended) return
    this.#isRead = shouldRead
    if (shouldRead) startReading(this.#connection)
    else stopReading(this.#connection)
  }

  get #isCongested(): boolean {
    return this.unsent > congestedBytes
  }

  #receive(data: RawData): void {
    if (!this.isOpen) return
    // Kept as a text: a buffer would keep the whole chunk that it came with.
    const message = String(data)
    this.#messages.push(message)
    this.#shared.crowd.addReceived(this.group, costOf(message))
    if (this.#messages.length > maxMessages) this.close(tooMany, 'Too many messages at a time.')
    this.#askForTurn()
    this.adjustReading()
  }

  #progress(): void {
    this.progressAt = performance.now()
    this.#askForTurn()
  }

  #askForTurn(): void {
    if (this.#messages.length > 0 && !this.#isCongested && !this.#ended) this.#shared.turns.ask(this)
  }

  #ping(): void {
    // While a socket is not read, because others have their turns, its answer to a ping can't arrive.
    const waits = !this.#isRead && performance.now() - this.progressAt < keepAliveMs
    if (!this.#answeredPing && !waits) this.drop()
    if (!this.isOpen) return
    this.#answeredPing = false
    this.#socket.ping()
  }

  #addUnsent(bytes: number): void {
    if (this.#forgotten) return
    this.unsent += bytes
    this.#shared.crowd.addUnsent(this.group, bytes)
  }

  /** Processes no more messages. Those that were sent before are still on their way. */
  #end(): void {
    if (this.#ended) return
    this.#ended = true
    clearInterval(this.#keepAlive)
    this.#shared.turns.leave(this)
    this.#listeners.end()
  }

  #forget(): void {
    this.#end()
    // Not before: until then the connection holds what it has read.
    for (const message of this.#messages) this.#shared.crowd.addReceived(this.group, -costOf(message))
    this.#messages = []
    this.#addUnsent(-this.unsent)
    this.#forgotten = true
    this.#shared.crowd.leave(this)
  }
}

function costOf(message: string): number {
  return message.length + messageOverheadBytes
}
