import type { FeedLink } from '../../../src/revocation/feed.ts'
import type { ReaderLink } from '../../../src/verify/feedReader.ts'
import type { Network } from './database.ts'
import type { Process } from './world.ts'

// Jest finds a global slowly.
const { max } = Math

/**
 * One end of a WebSocket between two processes. Frames of one direction arrive in the order in which they were sent.
 * Each end learns for itself that the socket is lost: one may use it long after the other has given it up.
 */
export class SocketEnd implements FeedLink, ReaderLink {
  onFrame: (text: string) => void = () => {}
  onClosed: () => void = () => {}
  isOpen = true
  unsentBytes = 0
  readonly process: Process
  readonly #network: Network
  #other: SocketEnd | undefined
  /** It was closed here: nothing is sent any more, and what arrives is still handed over. */
  #isClosing = false
  /** When the frame that was sent last arrives. */
  #arrivesAt = 0

  private constructor(process: Process, network: Network) {
    this.process = process
    this.#network = network
  }

  static pair(one: Process, other: Process, network: Network): [SocketEnd, SocketEnd] {
    const ends: [SocketEnd, SocketEnd] = [new SocketEnd(one, network), new SocketEnd(other, network)]
    ends[0].#other = ends[1]
    ends[1].#other = ends[0]
    return ends
  }

  send(text: string, sent?: () => void): void {
    const other = this.#other
    if (this.#isClosing || other === undefined) return
    const { world } = this.process
    this.unsentBytes += text.length
    this.#arrivesAt = max(this.#arrivesAt, world.now + this.#network.delay())
    const take = () => {
      this.unsentBytes -= text.length
      if (other.isOpen) other.onFrame(text)
    }
    world.at(this.#arrivesAt, take, other.process)
    if (sent !== undefined) world.at(this.#arrivesAt, () => this.isOpen && sent(), this.process)
  }

  /** The other end learns it behind all frames. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#tell(this, 0)
    if (this.#other) this.#tell(this.#other, this.#arrivesAt)
  }

  /** The network gave it up for this end, while the other end may use it for a while. */
  lose(otherAfterMs: number): void {
    this.#isClosing = true
    this.#end()
    if (this.#other) this.#tell(this.#other, this.process.world.now + otherAfterMs)
  }

  /** What is sent from here arrives late. */
  stall(until: number): void {
    this.#arrivesAt = max(this.#arrivesAt, until)
  }

  #tell(end: SocketEnd, at: number): void {
    const { world } = this.process
    world.at(max(at, world.now + this.#network.delay()), () => end.#end(), end.process)
  }

  #end(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#isClosing = true
    this.onClosed()
  }
}
