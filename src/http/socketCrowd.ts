import {
  crowdedBytes,
  crowdedClientBytes,
  maxHeldBytes,
  maxReceivedBytes,
  maxReceivedClientBytes,
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
  readonly #members = new Set<Member>()
  readonly #unsentOf = new Map<string, number>()
  readonly #receivedOf = new Map<string, number>()
  readonly #fullGroups = new Set<string>()
  #isFull = false
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

  /** Whether the sockets of a client may be read. */
  mayRead(group: string): boolean {
    return !this.#isFull && !this.#fullGroups.has(group)
  }

  /** Adds to the bytes of a client that wait for their turn, or with a negative number takes away. */
  addReceived(group: string, bytes: number): void {
    const ofGroup = (this.#receivedOf.get(group) ?? 0) + bytes
    if (ofGroup > 0) this.#receivedOf.set(group, ofGroup)
    else this.#receivedOf.delete(group)
    this.#received += bytes
    // Full until half is free again, so that sockets are not switched on and off at every message.
    const wasFull = this.#isFull
    this.#isFull = this.#received >= (wasFull ? maxReceivedBytes / 2 : maxReceivedBytes)
    const wasGroupFull = this.#fullGroups.has(group)
    const isGroupFull = ofGroup >= (wasGroupFull ? maxReceivedClientBytes / 2 : maxReceivedClientBytes)
    if (isGroupFull) this.#fullGroups.add(group)
    else this.#fullGroups.delete(group)
    if (wasFull === this.#isFull && wasGroupFull === isGroupFull) return
    for (const member of this.#members)
      if (wasFull !== this.#isFull || member.group === group) member.adjustReading()
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
