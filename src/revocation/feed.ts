import { randomUUID } from 'node:crypto'
import { Allowance } from './allowance.ts'
import { type Clock, clockRate } from './clock.ts'
import { type NodeFrame, readVerifierFrame, type VerifierFrame, writeFrame } from './feedFrames.ts'
import type { Gate } from './gate.ts'
import { Passing } from './passing.ts'
import { grantAfterPauses, type SlowPeer } from './slowPeers.ts'
import type { Revocation, RevocationView } from './view.ts'

/** How frames leave: a WebSocket, or a link within the process. Frames arrive in the order of the calls of `send`. */
export interface FeedLink {
  /** @param sent called later, when the frame has left this process's memory */
  send(text: string, sent?: () => void): void
  /** Bytes that have not left this process's memory. */
  readonly unsentBytes: number
  close(why: string): void
}

/** Who follows a node. */
export interface FollowerOfNode {
  readonly kind: 'VERIFIER' | 'MIRROR'
  /** A service's name; of the mirror `redis`, which a service may be called, too: only the kind tells them apart. */
  readonly name: string
}

/** One who follows now, for showing. */
export interface FollowerStatus extends FollowerOfNode {
  readonly id: string
  /** By the wall clock of the node. */
  readonly since: Date
  /** How old its picture was when it was last told; undefined: it has none that may be used. */
  readonly ageMs: number | undefined
}

/** The other end of a link. */
export interface FeedConnection {
  /** Takes a frame. A text that is no frame of a verifier closes the link. */
  receive(text: string): void
  /** To be called when the link was closed, by whomever. */
  closed(): void
}

export interface FeedOptions {
  readonly view: RevocationView
  readonly clock: Clock
  /** How long a picture may be used, in milliseconds. */
  readonly leaseMs: number
  /** How long a verifier may take to acknowledge (ANNUL_FEED_ACK_MS). */
  readonly ackMs: number
  /** What the node itself decides by (follow.ts). No age: the picture may not be used. */
  readonly picture: { ageMs(): number | undefined; databaseTime(): number | undefined }
  /** Awaited before anybody gets an age for the first time. Where it fails, nobody gets one. */
  readonly prepare?: () => Promise<void>
}

/** Of one link. */
interface Peer extends FollowerOfNode, SlowPeer {
  readonly id: string
  readonly link: FeedLink
  readonly since: Date
  /** What is remembered of the service, whatever its sockets: a new socket of a slow service waits, too. */
  readonly service: SlowPeer
  /** The beats that it may still send. */
  readonly beats: Allowance
  /** Ends the wait for its hello. */
  cancel: () => void
  /** Whether it said hello: from then on it is sent what the node applies. */
  isAttached: boolean
  isLoaded: boolean
  isOpen: boolean
  /** Whether it was ever told an age. */
  hadAge: boolean
  /** The position that it has acknowledged. */
  acknowledged: number
  /** By this node's monotonic clock: from then on it can't be fresh by any answer that was given so far. */
  lapsesAt: number
}

type Keys = Extract<NodeFrame, { type: 'keys' }>

const pageEntries = 1000
/** A page of the first load: one is in memory for each verifier that loads, or does not read. */
const loadEntries = 200
/** Which part of a lease an acknowledgement may wait for its answer. */
const laterPart = 1 / 8
/** A socket with more unsent bytes is closed. The first load is paced, and has one page in memory at most. */
const mostUnsentBytes = 1_048_576
/** How long a verifier may take to say hello, in milliseconds. */
const helloMs = 5000
/**
 * Beats are answered. A verifier beats each third of the lease, which is told by the first answer, and once for each
 * position. Twice as many are taken, and so many at once: they may have waited while a process was paused.
 */
const beatsOfLease = 6
const beatsAtOnce = 100
/** Acknowledgements that are still to come. */
const mostOwedBeats = 10_000

/**
 * The node's side of the feed: tells verifiers what the node applies, and how old the node's picture is. So they decide
 * from memory too, without a database. A verifier's side is verify/feedReader.ts.
 *
 * Why no verifier accepts a token after its revocation was answered. A verifier is fresh while its clocks show less than
 * a lease since `sent(k) - age`, where `sent(k)` was taken before it sent the beat k, and `age` is what the answer said.
 *  - The node's picture held everything that had committed `age` before the answer was composed, which happened after
 *    `sent(k)`. All of it stood before the answer on the ordered link, so the verifier had applied it. So a fresh
 *    verifier lacks nothing that had committed a lease ago, which is all that follow.ts says of a node.
 *  - The barrier may return earlier only if the node's row shows a snapshot that contains the revocation. The node
 *    publishes that snapshot when the position at which the revocation was queued has passed. Then each verifier that
 *    was ever given an age has acknowledged the position, or can't be fresh any more by any answer that stood before
 *    the position on its link. Answers that stand behind it follow the revocation.
 *
 * A link that closed changes nothing about that: its verifier may stay fresh, and is waited for. Nor does a new
 * connection of the node to the database.
 */
export class Feed implements Gate {
  readonly #options: FeedOptions
  readonly #peers = new Set<Peer>()
  /** Their links have closed, and they may still be fresh. */
  readonly #ghosts = new Set<Peer>()
  readonly #services = new Map<string, SlowPeer>()
  readonly #passing: Passing<Peer>
  /** Whose acknowledgement is to be answered, and its beat. */
  readonly #later = new Map<Peer, number>()
  #position = 0
  #keys: Keys | undefined
  #prepared: 'not yet' | 'preparing' | 'done' = 'not yet'
  #isClosing = false

  constructor(options: FeedOptions) {
    this.#options = options
    this.#passing = new Passing(options.clock)
    options.view.subscribe(revocations => {
      for (let at = 0; at < revocations.length; at += pageEntries)
        this.#queue(revocations.slice(at, at + pageEntries))
    })
  }

  get position(): number {
    return this.#position
  }

  /** Whether nobody may decide without what was applied up to this position. */
  hasPassed(position: number): boolean {
    return this.#passing.hasPassed(position)
  }

  whenPassed(position: number, call: () => void): void {
    this.#passing.whenPassed(position, call)
  }

  /** Sends the keys to everybody, and to those who come later. */
  tellKeys(issuer: string, keys: Keys['keys']): void {
    this.#keys = { type: 'keys', issuer, keys }
    for (const peer of this.#peers) if (peer.isAttached) this.#send(peer, writeFrame(this.#keys))
  }

  attach(link: FeedLink, who: FollowerOfNode): FeedConnection {
    const { clock, leaseMs } = this.#options
    const serviceKey = `${who.kind} ${who.name}`
    const service = this.#services.get(serviceKey) ?? grantAfterPauses()
    this.#services.set(serviceKey, service)
    const peer: Peer = {
      ...who,
      service,
      id: randomUUID(),
      link,
      since: new Date(),
      isAttached: false,
      isLoaded: false,
      isOpen: true,
      hadAge: false,
      acknowledged: 0,
      lapsesAt: Number.NEGATIVE_INFINITY,
      beats: new Allowance(beatsAtOnce, beatsOfLease / leaseMs, clock.monotonic()),
      // The second timer, because a hello may have waited for a pause of the process to end, as in #queue.
      cancel: clock.after(helloMs, () =>
        clock.after(0, () => {
          if (peer.isOpen && !peer.isAttached) this.#end(peer, 'No hello has come.')
        }),
      ),
      ...grantAfterPauses(),
    }
    this.#peers.add(peer)
    if (this.#isClosing) this.#end(peer, 'The node is stopping.')
    return {
      receive: text => {
        const frame = readVerifierFrame(text)
        if (!peer.isOpen) return
        if (frame === undefined || !this.#take(peer, frame)) this.#end(peer, 'This is no frame of the feed.')
      },
      closed: () => this.#forget(peer),
    }
  }

  /** Who follows now. */
  list(): FollowerStatus[] {
    const now = this.#now()
    return [...this.#peers].map(({ id, kind, name, since, lapsesAt }) => {
      const ageMs = now - lapsesAt + this.#longestMs
      return { id, kind, name, since, ageMs: lapsesAt > now ? Math.max(0, ageMs) : undefined }
    })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    for (const peer of this.#peers) this.#send(peer, writeFrame({ type: 'bye' }))
    await this.#passing.whenLapsed(this.#mayBeFresh())
    for (const peer of this.#peers) this.#end(peer, 'The node is stopping.')
  }

  /** How long after the beginning of a picture a verifier with the slowest clock may use it. */
  get #longestMs(): number {
    return this.#options.leaseMs * clockRate
  }

  #now(): number {
    return this.#options.clock.monotonic()
  }

  /** @returns whether the frame was one that may come now */
  #take(peer: Peer, frame: VerifierFrame): boolean {
    switch (frame.type) {
      case 'hello': {
        if (peer.isAttached) return false
        this.#hello(peer)
        return true
      }
      case 'beat': {
        if (!peer.isAttached || frame.applied > this.#position) return false
        if (peer.beats.take(this.#now())) this.#acknowledge(peer, frame.k, frame.applied)
        else this.#end(peer, 'These are too many beats.')
        return true
      }
      case 'bye': {
        peer.lapsesAt = Number.NEGATIVE_INFINITY
        this.#passing.release(peer)
        this.#end(peer, 'Bye.')
        return true
      }
    }
  }

  /** Attached before the view is read: what is applied meanwhile is sent as well. */
  #hello(peer: Peer): void {
    peer.isAttached = true
    peer.cancel()
    this.#prepare()
    if (this.#keys) this.#send(peer, writeFrame(this.#keys))
    const entries = this.#options.view.entries()
    const load = () => {
      const page: Revocation[] = []
      while (page.length < loadEntries) {
        const next = entries.next()
        if (next.done) break
        page.push(next.value)
      }
      if (!peer.isOpen) return
      if (page.length > 0) return peer.link.send(writeFrame({ type: 'entries', entries: page }), load)
      peer.isLoaded = true
      this.#send(peer, writeFrame({ type: 'loaded', n: this.#position }))
    }
    load()
  }

  /**
   * An acknowledgement is answered a little later, where the verifier is not about to lapse: so the acknowledgements of
   * all verifiers are taken first, and several of one verifier get one answer.
   */
  #acknowledge(peer: Peer, k: number, applied: number): void {
    const { clock, leaseMs } = this.#options
    const isNews = applied > peer.acknowledged
    peer.acknowledged = Math.max(peer.acknowledged, applied)
    this.#passing.acknowledge(peer, applied)
    const hasTime = peer.kind === 'VERIFIER' && peer.lapsesAt - clock.monotonic() > leaseMs / 2
    if (isNews && hasTime) {
      if (this.#later.size === 0) clock.after(leaseMs * laterPart, () => this.#answerLater())
      this.#later.set(peer, k)
    } else this.#answer(peer, k, applied)
  }

  #answerLater(): void {
    const later = [...this.#later]
    this.#later.clear()
    for (const [peer, k] of later) if (peer.isOpen) this.#answer(peer, k, peer.acknowledged)
  }

  /** The age is taken in the step in which the answer joins the queue: a picture that is older by then must look so. */
  #answer(peer: Peer, k: number, applied: number): void {
    const { clock, leaseMs, picture } = this.#options
    this.#later.delete(peer)
    this.#prepare()
    const now = clock.monotonic()
    const isPossible = peer.isLoaded && !this.#isClosing && this.#prepared === 'done'
    // Otherwise whoever is slow would hold up each revocation, by a new socket for each, or by many sockets in turn.
    const isTrusted = peer.hadAge && !peer.wasSlow()
    const isGrantedFirst = isTrusted || peer.service.mayHaveAge(now, Number.POSITIVE_INFINITY)
    const isGranted = isPossible && isGrantedFirst && peer.mayHaveAge(now, applied)
    const age = isGranted ? picture.ageMs() : undefined
    if (age !== undefined) {
      peer.hadAge = true
      peer.lapsesAt = Math.max(peer.lapsesAt, now - age + this.#longestMs)
    }
    this.#send(peer, writeFrame({ type: 'beat', k, age, time: picture.databaseTime(), lease: leaseMs }))
  }

  /** Called within each apply that changed something. */
  #queue(entries: readonly Revocation[]): void {
    const { clock, ackMs } = this.#options
    const position = ++this.#position
    const waiting = this.#mayBeFresh()
    // Before anything is sent: a link within the process may acknowledge at once.
    if (waiting.size > 0) this.#passing.wait(position, waiting)
    const text = writeFrame({ type: 'entries', entries, n: position })
    for (const peer of this.#peers) {
      if (!peer.isAttached) continue
      peer.beats.add(mostOwedBeats)
      this.#send(peer, text)
    }
    if (waiting.size === 0) return
    // After a pause of the process its timers run before its sockets are read: the second timer comes after both.
    clock.after(ackMs, () =>
      clock.after(0, () => {
        for (const peer of this.#passing.waitingAt(position)) {
          peer.isSlow(clock.monotonic(), this.#position)
          peer.service.isSlow(clock.monotonic(), this.#position)
        }
      }),
    )
  }

  /** Everybody who may be fresh now, and until when. Forgets the ghosts whose time is over. */
  #mayBeFresh(): Map<Peer, number> {
    const now = this.#now()
    const found = new Map<Peer, number>()
    for (const peer of this.#peers) if (peer.lapsesAt > now) found.set(peer, peer.lapsesAt)
    for (const ghost of this.#ghosts)
      if (ghost.lapsesAt > now) found.set(ghost, ghost.lapsesAt)
      else this.#ghosts.delete(ghost)
    return found
  }

  #send(peer: Peer, text: string): void {
    peer.link.send(text)
    if (peer.link.unsentBytes > mostUnsentBytes) this.#end(peer, 'The frames are not read.')
  }

  /** Nothing is sent to a link that is being closed, and nothing is taken from it. */
  #end(peer: Peer, why: string): void {
    this.#forget(peer)
    peer.link.close(why)
  }

  #forget(peer: Peer): void {
    if (!peer.isOpen) return
    peer.isOpen = false
    peer.cancel()
    this.#peers.delete(peer)
    const now = this.#now()
    // Here too: where nothing is revoked for long, sockets that come and go would leave more and more of them.
    for (const ghost of this.#ghosts) {
      if (ghost.lapsesAt > now) break
      this.#ghosts.delete(ghost)
    }
    if (peer.lapsesAt > now) this.#ghosts.add(peer)
  }

  #prepare(): void {
    if (this.#prepared !== 'not yet') return
    this.#prepared = 'preparing'
    const { prepare = async () => {} } = this.#options
    prepare().then(
      () => {
        this.#prepared = 'done'
      },
      () => {
        // The next beat tries again.
        this.#prepared = 'not yet'
      },
    )
  }
}
