import {
  crowdedBytes,
  crowdedClientBytes,
  maxHeldBytes,
  maxReceivedBytes,
  sheddingMs,
} from './socketBounds.ts'

/** A socket, as the crowd sees it. */
export interface Member {
  /** The client's address. */
  readonly group: string
  readonly unsent: number
  /** When a message of the socket was last sent or processed, by the monotonic clock. */
  readonly progressAt: number
  /** Ends the socket at once, and gives back within the call the bytes that it holds. */
  drop(): void
  /** Starts or stops reading, as the crowd and the member's own messages allow. */
  adjustReading(): void
}

/** The received and unsent bytes of all sockets, and what is done when there are too many (socketBounds.ts). */
export class Crowd {
  /** Whether sockets may be read. */
  mayRead = true
  readonly #members = new Set<Member>()
  readonly #unsentOf = new Map<string, number>()
  #received = 0
  #unsent = 0
  #shedding: NodeJS.Timeout | undefined
  /** Told when a client may get turns again. */
  onRelief = () => {}

  join(member: Member): void {
    this.#members.add(member)
  }

  leave(member: Member): void {
    this.#members.delete(member)
  }

  /** Adds to the bytes that wait for their turn, or with a negative number takes away. */
  addReceived(bytes: number): void {
    this.#received += bytes
    const mayRead = this.#received < (this.mayRead ? maxReceivedBytes : maxReceivedBytes / 2)
    if (mayRead === this.mayRead) return
    this.mayRead = mayRead
    for (const member of this.#members) member.adjustReading()
  }

  /** Adds to the bytes that a client has not read, or with a negative number takes away. */
  addUnsent(group: string, bytes: number): void {
    const wasHalted = bytes < 0 && this.isHalted(group)
    const ofGroup = (this.#unsentOf.get(group) ?? 0) + bytes
    if (ofGroup > 0) this.#unsentOf.set(group, ofGroup)
    else this.#unsentOf.delete(group)
    this.#unsent += bytes
    while (bytes > 0 && this.#unsent > maxHeldBytes) this.#dropWorst()
    if (this.isHalted(group)) this.#shedding ??= setInterval(() => this.#shed(), sheddingMs)
    else if (wasHalted) this.onRelief()
  }

  /** Whether the sockets of a client get no turns, because too much was not read. */
  isHalted(group: string): boolean {
    const ofGroup = this.#unsentOf.get(group) ?? 0
    return ofGroup > crowdedClientBytes || (this.#unsent > crowdedBytes && ofGroup > 0)
  }

  #shed(): void {
    if (this.#dropWorst()) return
    clearInterval(this.#shedding)
    this.#shedding = undefined
    this.onRelief()
  }

  /** Drops the worst socket of the clients that get no turns, by bytes and time. @returns whether there was one */
  #dropWorst(): boolean {
    const now = performance.now()
    let worst: Member | undefined
    let most = 0
    for (const member of this.#members) {
      const weight = member.unsent * (now - member.progressAt)
      if (weight <= most || !this.isHalted(member.group)) continue
      worst = member
      most = weight
    }
    worst?.drop()
    return worst !== undefined
  }
}
