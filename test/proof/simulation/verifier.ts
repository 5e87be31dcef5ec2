import type { Feed } from '../../../src/revocation/feed.ts'
import { RevocationView } from '../../../src/revocation/view.ts'
import { FeedReader, type ReaderConnection } from '../../../src/verify/feedReader.ts'
import { Network } from './database.ts'
import type { Flaw } from './node.ts'
import { SocketEnd } from './socket.ts'
import type { Process, World } from './world.ts'

/** A socket that does not make the view fresh for so long is given up. */
const patienceMs = 150
const lookMs = 50

/** What verifiers attach to: a node. */
export interface Host {
  readonly process: Process
  readonly leaseMs: number
  readonly feed: Pick<Feed, 'attach'>
}

interface Attachment {
  readonly host: Host
  readonly nodeEnd: SocketEnd
  readonly end: SocketEnd
  readonly connection: ReaderConnection
  readonly openedAt: number
}

/** A service without a database: the real reader on a process of the simulation, that keeps itself attached. */
export class Verifier {
  readonly process: Process
  readonly network: Network
  readonly view = new RevocationView()
  readonly reader: FeedReader
  /** When it was last seen to be fresh, in true time. */
  freshAt = Number.NEGATIVE_INFINITY
  isDetached = false
  attachments: readonly Attachment[] = []
  readonly #world: World
  readonly #someHost: () => Host | undefined
  readonly #flaw: Flaw
  #lastHost: Host | undefined

  /** @param someHost one that takes sockets */
  constructor(world: World, process: Process, someHost: () => Host | undefined, flaw: Flaw) {
    this.process = process
    this.network = new Network(world)
    this.#world = world
    this.#someHost = someHost
    this.#flaw = flaw
    const { Reader = FeedReader } = flaw
    this.reader = new Reader({
      view: this.view,
      clock: process,
      onKeys: () => {},
      onBye: () => this.attach(),
    })
    verifierOf.set(process, this)
    this.#look()
  }

  /** What it decides by. */
  get decidingView(): RevocationView {
    return this.#flaw.verifierView?.(this) ?? this.view
  }

  get isFresh(): boolean {
    return this.reader.isFresh()
  }

  /** Opens a socket, beside those that are open: to another node than the last time, where there is one. */
  attach(host = this.#nextHost()): void {
    if (host === undefined) return
    this.#lastHost = host
    const world = this.#world
    const [end, nodeEnd] = SocketEnd.pair(this.process, host.process, this.network)
    world.at(
      world.now + this.network.delay(),
      () => {
        const link = this.#flaw.nodeLink?.(nodeEnd, host) ?? nodeEnd
        const { receive, closed } = host.feed.attach(link, { kind: 'VERIFIER', name: this.process.name })
        nodeEnd.onFrame = receive
        nodeEnd.onClosed = closed
        world.at(world.now + this.network.delay(), () => this.#open(host, end, nodeEnd), this.process)
      },
      host.process,
    )
  }

  #nextHost(): Host | undefined {
    let host = this.#someHost()
    for (let tries = 0; tries < 10 && host === this.#lastHost; tries++) host = this.#someHost()
    return host
  }

  /** Says bye on the oldest sockets. @param kept how many stay */
  leave(kept: number): void {
    const left = this.attachments.slice(0, Math.max(0, this.attachments.length - kept))
    this.attachments = this.attachments.filter(attachment => !left.includes(attachment))
    for (const { connection } of left) connection.leave()
  }

  #open(host: Host, end: SocketEnd, nodeEnd: SocketEnd): void {
    if (this.isDetached || !end.isOpen) {
      end.close()
      return
    }
    const connection = this.reader.open(this.#flaw.readerLink?.(end, this) ?? end)
    const attachment = { host, nodeEnd, end, connection, openedAt: this.#world.now }
    this.attachments = [...this.attachments, attachment]
    end.onFrame = connection.receive
    end.onClosed = () => {
      this.attachments = this.attachments.filter(each => each !== attachment)
      connection.closed()
    }
  }

  /** Attaches again where no socket is left, or none is of use. */
  #look(): void {
    const { now, random } = this.#world
    if (!this.isDetached && !this.isFresh) {
      for (const { end, openedAt } of this.attachments) if (openedAt < now - patienceMs) end.close()
      if (this.attachments.every(({ openedAt }) => openedAt < now - patienceMs)) this.attach()
    }
    this.process.after(lookMs * random.between(0.5, 1.5), () => this.#look())
  }
}

/** The verifier that runs on a process. */
export const verifierOf = new WeakMap<Process, Verifier>()
