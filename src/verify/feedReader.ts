import type { Clock } from '../revocation/clock.ts'
import { type NodeFrame, readNodeFrame, writeFrame } from '../revocation/feedFrames.ts'
import type { RevocationView } from '../revocation/view.ts'

/** How frames leave, in the order of the calls. */
export interface ReaderLink {
  send(text: string): void
  close(): void
}

/** One socket's frames, and its end. */
export interface ReaderConnection {
  /** Takes a frame. A text that is no frame closes the link. */
  receive(text: string): void
  /** To be called when the link was closed, by whomever. */
  closed(): void
  /** Stops deciding by this socket, and says so. */
  leave(): void
}

export interface ReaderOptions {
  readonly view: RevocationView
  readonly clock: Clock
  /** Called with the keys that verify, and the issuer: first, and whenever they change. */
  readonly onKeys: (keys: Extract<NodeFrame, { type: 'keys' }>) => void
  /** Called when a socket makes the view fresh for the first time. */
  readonly onFresh?: () => void
  /** Called when the node says that it is about to stop: time to attach elsewhere. */
  readonly onBye?: () => void
}

interface Moment {
  readonly monotonic: number
  readonly wall: number
}

/** What an answer has shown, counted from the clocks that were taken before its beat was sent. */
interface Picture {
  readonly sent: Moment
  readonly ageMs: number
  readonly leaseMs: number
  /** Database time while the answer was composed. */
  readonly databaseMs: number
}

/** Of one socket. Nothing of it belongs to another socket: a node that is asked anew counts anew. */
interface Socket {
  readonly link: ReaderLink
  /** When the beats were sent that were not answered yet. */
  readonly sent: Map<number, Moment>
  k: number
  applied: number
  leaseMs: number
  picture: Picture | undefined
  isOpen: boolean
  /** Whether the view may be used by this socket's answers: until a bye in either direction. */
  isUsable: boolean
  cancel: () => void
}

/** How often a verifier beats before the node has told its lease, in milliseconds. */
const firstBeatMs = 200
const mostUnanswered = 1000

/**
 * The verifier's side of the feed (revocation/feed.ts). Fresh, for each socket on its own, while its clocks show less
 * than a lease since `sent(k) - age`: never by the time at which an answer arrived, which says nothing about when the
 * answer was composed. A socket that has closed may be fresh until then, because the node waits for it.
 *
 * The view belongs to no socket. It only grows, and is never cleared or replaced.
 */
export class FeedReader {
  readonly #options: ReaderOptions
  readonly #sockets = new Set<Socket>()
  #newest: Picture | undefined

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** @returns the other end of a link that has just opened */
  open(link: ReaderLink): ReaderConnection {
    const socket: Socket = {
      link,
      sent: new Map(),
      k: 0,
      applied: 0,
      leaseMs: 3 * firstBeatMs,
      picture: undefined,
      isOpen: true,
      isUsable: true,
      cancel: () => {},
    }
    this.#sockets.add(socket)
    link.send(writeFrame({ type: 'hello' }))
    this.#beat(socket)
    const end = () => {
      socket.isUsable = false
      socket.cancel()
      this.#sockets.delete(socket)
    }
    const closed = () => {
      socket.cancel()
      socket.isOpen = false
      this.#sweep()
    }
    return {
      receive: text => {
        if (!socket.isOpen || !socket.isUsable) return
        const frame = readNodeFrame(text)
        if (frame === undefined) {
          // A link that is being closed may still bring frames. They may stand behind a revocation that was not read.
          closed()
          return link.close()
        }
        if (frame === 'unknown') return
        if (frame.type !== 'bye') return this.#take(socket, frame)
        // Others may attach before the answer, so that nothing is undecided meanwhile.
        this.#options.onBye?.()
        end()
        link.send(writeFrame({ type: 'bye' }))
      },
      closed,
      leave: () => {
        end()
        link.send(writeFrame({ type: 'bye' }))
      },
    }
  }

  /** Whether the view contains everything that had committed one lease ago. */
  isFresh(): boolean {
    for (const socket of this.#sockets) if (this.#isFreshBy(socket)) return true
    return false
  }

  /** The age of the view, in milliseconds; undefined while it may not be used. */
  ageMs(): number | undefined {
    const ages = [...this.#sockets].filter(socket => this.#isFreshBy(socket)).map(this.#ageBy)
    return ages.length === 0 ? undefined : Math.min(...ages)
  }

  /**
   * Milliseconds since 1970, ahead of the database's time by a round trip at most (and by a step of the wall clock that
   * is shorter than the lease); undefined before the first answer. To be used only while `isFresh()`.
   */
  databaseTime(): number | undefined {
    let latest: number | undefined
    for (const socket of this.#sockets) {
      if (socket.picture === undefined || !this.#isFreshBy(socket)) continue
      latest = Math.max(latest ?? 0, this.#timeBy(socket.picture))
    }
    return latest ?? (this.#newest && this.#timeBy(this.#newest))
  }

  #timeBy({ sent, databaseMs }: Picture): number {
    const { monotonic, wall } = this.#elapsed(sent)
    return databaseMs + Math.max(monotonic, wall)
  }

  #isFreshBy(socket: Socket): boolean {
    return socket.isUsable && socket.picture !== undefined && this.#ageBy(socket) < socket.picture.leaseMs
  }

  readonly #ageBy = ({ picture }: Socket): number =>
    picture === undefined ? Number.POSITIVE_INFINITY : this.#since(picture.sent) + picture.ageMs

  /** Both clocks count: a suspended machine may stop the monotonic one, and a correction steps the wall clock. */
  #since(sent: Moment): number {
    const { monotonic, wall } = this.#elapsed(sent)
    // A wall clock that was put back no longer tells whether the machine was suspended.
    return wall < 0 ? Number.POSITIVE_INFINITY : Math.max(monotonic, wall)
  }

  #elapsed(since: Moment): Moment {
    const { clock } = this.#options
    return { monotonic: clock.monotonic() - since.monotonic, wall: clock.wall() - since.wall }
  }

  #take(socket: Socket, frame: Exclude<NodeFrame, { type: 'bye' }>): void {
    switch (frame.type) {
      case 'keys':
        this.#options.onKeys(frame)
        break
      case 'entries':
        this.#options.view.apply(frame.entries)
        if (frame.n !== undefined) this.#acknowledge(socket, frame.n)
        break
      case 'loaded':
        this.#acknowledge(socket, frame.n)
        break
      case 'beat':
        this.#look(socket, frame)
    }
  }

  #acknowledge(socket: Socket, n: number): void {
    socket.applied = Math.max(socket.applied, n)
    this.#beat(socket)
  }

  #look(socket: Socket, { k, age, time, lease }: Extract<NodeFrame, { type: 'beat' }>): void {
    const sent = socket.sent.get(k)
    if (sent === undefined) return
    for (const earlier of socket.sent.keys()) if (earlier <= k) socket.sent.delete(earlier)
    socket.leaseMs = lease
    if (age === undefined || time === undefined || age >= lease) return
    const picture = { sent, ageMs: age, leaseMs: lease, databaseMs: time }
    // An answer that was long on its way may show an older picture than the answer before.
    if (socket.picture === undefined || beginOf(picture) > beginOf(socket.picture)) socket.picture = picture
    // The time that an old answer shows may be long ago: the machine may have been suspended since.
    if (this.#since(sent) + age < lease) this.#newest = picture
    this.#options.view.apply([], time)
    this.#sweep()
    if (this.#isFreshBy(socket)) this.#options.onFresh?.()
  }

  /** Forgets sockets that have closed and whose time is over. */
  #sweep(): void {
    for (const socket of this.#sockets)
      if (!socket.isOpen && !this.#isFreshBy(socket)) this.#sockets.delete(socket)
  }

  /** The clocks are taken before the beat is sent. */
  #beat(socket: Socket): void {
    const { clock } = this.#options
    socket.cancel()
    const k = ++socket.k
    const [oldest] = socket.sent.keys()
    if (socket.sent.size >= mostUnanswered && oldest !== undefined) socket.sent.delete(oldest)
    socket.sent.set(k, { monotonic: clock.monotonic(), wall: clock.wall() })
    socket.link.send(writeFrame({ type: 'beat', k, applied: socket.applied }))
    socket.cancel = clock.after(socket.leaseMs / 3, () => this.#beat(socket))
  }
}

/** When a picture began, by the verifier's monotonic clock. */
function beginOf({ sent, ageMs }: Picture): number {
  return sent.monotonic - ageMs
}
