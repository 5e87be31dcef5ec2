import {
  Feed,
  type FeedConnection,
  type FeedLink,
  type FollowerOfNode,
} from '../../../src/revocation/feed.ts'
import { type NodeFrame, readNodeFrame, writeFrame } from '../../../src/revocation/feedFrames.ts'
import type { Gate } from '../../../src/revocation/gate.ts'
import { RevocationView } from '../../../src/revocation/view.ts'
import { FeedReader, type ReaderConnection, type ReaderLink } from '../../../src/verify/feedReader.ts'
import type { Flaw, Node } from './node.ts'
import type { Host } from './verifier.ts'

/*
 * Mistakes in the feed, each around the real code: what a verifier decides by, and what a node publishes. Most are
 * found within 200 schedules. The lapse by the wall clock needs 700, and the one that takes clocks for equal 1,200. A node
 * that answers after a bye is missing here, because its follower has no picture by then: feed.test.ts asks for it.
 */

interface Moment {
  readonly monotonic: number
  readonly wall: number
}

/** A verifier whose socket has closed may still be fresh. */
class ForgetsWhoHasGone extends Feed {
  override attach(link: FeedLink, who: FollowerOfNode): FeedConnection {
    const { receive, closed } = super.attach(link, who)
    const gone = () => {
      receive(writeFrame({ type: 'bye' }))
      closed()
    }
    return { receive, closed: gone }
  }
}

/** The answer may have been composed long before it arrived. */
class CountsFromArrival extends FeedReader {
  readonly #clock
  readonly #pictures: { arrived: Moment; age: number; lease: number }[] = []

  constructor(options: ConstructorParameters<typeof FeedReader>[0]) {
    super(options)
    this.#clock = options.clock
  }

  override open(link: ReaderLink): ReaderConnection {
    const connection = super.open(link)
    const receive = (text: string) => {
      connection.receive(text)
      const frame = readNodeFrame(text)
      if (frame === undefined || frame === 'unknown' || frame.type !== 'beat' || frame.age === undefined)
        return
      const arrived = { monotonic: this.#clock.monotonic(), wall: this.#clock.wall() }
      this.#pictures.push({ arrived, age: frame.age, lease: frame.lease })
    }
    return { ...connection, receive }
  }

  override isFresh(): boolean {
    const { monotonic, wall } = { monotonic: this.#clock.monotonic(), wall: this.#clock.wall() }
    return this.#pictures.some(
      ({ arrived, age, lease }) =>
        wall >= arrived.wall && Math.max(monotonic - arrived.monotonic, wall - arrived.wall) + age < lease,
    )
  }
}

/** An answer that is on its way arrives after the node has counted the verifier out. */
class DecidesAfterItsBye extends FeedReader {
  override open(link: ReaderLink): ReaderConnection {
    const connection = super.open(link)
    return { ...connection, leave: () => link.send(writeFrame({ type: 'bye' })) }
  }
}

/** What was applied for the former row has passed for the new row. */
function passesWithANewRow(feed: Feed, node: Node): Gate {
  let row: string | undefined
  let from = 0
  const isOld = (position: number) => {
    const present = node.follower.membership?.node
    if (present !== row) from = feed.position
    row = present
    return position <= from
  }
  return {
    get position() {
      return feed.position
    },
    whenPassed: (position, call) => (isOld(position) ? call() : feed.whenPassed(position, call)),
    close: () => feed.close(),
  }
}

/** The number does not rise with what the node itself revokes, so a reading without news passes before it. */
function leavesOutOwnEntries(feed: Feed, node: Node): Gate {
  let numbered = 0
  node.view.subscribe(() => {
    if (!node.appliesOwn) numbered = feed.position
  })
  return {
    get position() {
      return numbered
    },
    whenPassed: (position, call) => feed.whenPassed(position, call),
    close: () => feed.close(),
  }
}

/** Hands each frame to `pass` or to a function of its own. */
function filtered(link: FeedLink, filter: (frame: NodeFrame, pass: () => void) => void): FeedLink {
  return {
    send: (text, sent) => {
      const frame = readNodeFrame(text)
      const pass = () => link.send(text, sent)
      if (frame === undefined || frame === 'unknown') pass()
      else filter(frame, pass)
    },
    get unsentBytes() {
      return link.unsentBytes
    },
    close: why => link.close(why),
  }
}

/** What is applied during the first load is not sent. */
function attachesAfterTheLoad(link: FeedLink): FeedLink {
  let isLoaded = false
  return filtered(link, (frame, pass) => {
    if (frame.type === 'loaded') isLoaded = true
    if (isLoaded || frame.type !== 'entries' || frame.n === undefined) pass()
  })
}

/** The node counts the first load as done before the verifier has it. */
function countsTheLoadTooEarly(link: FeedLink, { process }: Host): FeedLink {
  return {
    send: (text, sent) => {
      const frame = readNodeFrame(text)
      const isPage = typeof frame === 'object' && frame.type === 'entries' && frame.n === undefined
      if (!isPage) return link.send(text, sent)
      sent?.()
      process.after(60, () => link.send(text))
    },
    get unsentBytes() {
      return link.unsentBytes
    },
    close: () => link.close('The flaw closes it.'),
  }
}

/** Entries wait in a queue of their own. */
function letsAnswersOvertake(link: FeedLink, { process }: Host): FeedLink {
  return filtered(link, (frame, pass) => {
    if (frame.type === 'entries' && frame.n !== undefined) process.after(10, pass)
    else pass()
  })
}

/** It does not ask whether an acknowledged position was ever sent. */
class TakesAnyAcknowledgement extends Feed {
  override attach(link: FeedLink, who: FollowerOfNode): FeedConnection {
    const { receive, closed } = super.attach(link, who)
    const clipped = (text: string) => {
      const frame = JSON.parse(text)
      if (frame.type === 'beat') frame.applied = Math.min(frame.applied, this.position)
      receive(JSON.stringify(frame))
    }
    return { receive: clipped, closed }
  }
}

/** Positions of another node, or of another socket. */
function keepsApplied() {
  const applied = new WeakMap<object, number>()
  return (link: ReaderLink, verifier: object): ReaderLink => ({
    send: text => {
      const frame = JSON.parse(text)
      const most = Math.max(applied.get(verifier) ?? 0, frame.applied ?? 0)
      applied.set(verifier, most)
      link.send(frame.type === 'beat' ? JSON.stringify({ ...frame, applied: most }) : text)
    },
    close: () => link.close(),
  })
}

/** A second view, which holds what a new socket has brought, takes the place of the first. */
class SwapsItsView extends FeedReader {
  view = new RevocationView()
  protected isSwappedAt: 'open' | 'loaded' = 'loaded'

  override open(link: ReaderLink): ReaderConnection {
    const connection = super.open(link)
    const next = new RevocationView()
    if (this.isSwappedAt === 'open') this.view = next
    const receive = (text: string) => {
      connection.receive(text)
      const frame = readNodeFrame(text)
      if (frame === undefined || frame === 'unknown') return
      if (frame.type === 'entries') for (const view of new Set([next, this.view])) view.apply(frame.entries)
      if (frame.type === 'loaded') this.view = next
    }
    return { ...connection, receive }
  }
}

class ClearsItsView extends SwapsItsView {
  protected override isSwappedAt = 'open' as const
}

function swappedView({ reader, view }: { reader: FeedReader; view: RevocationView }): RevocationView {
  return reader instanceof SwapsItsView ? reader.view : view
}

export const feedFlaws = {
  'a feed that forgets a verifier whose socket closed': { needsVerifiers: true, Feed: ForgetsWhoHasGone },
  'answers that leave out the age': {
    needsVerifiers: true,
    feedOptions: (options, node) => ({
      ...options,
      picture: { ...options.picture, ageMs: () => (node.follower.isFresh() ? 0 : undefined) },
    }),
  },
  'a verifier that counts from the arrival of an answer': {
    needsVerifiers: true,
    Reader: CountsFromArrival,
  },
  'a node that publishes what its verifiers may lack': {
    needsVerifiers: true,
    gate: feed => ({
      position: 0,
      hasPassed: () => true,
      whenPassed: (_position, call) => call(),
      close: () => feed.close(),
    }),
  },
  'a new row that shows what was waiting for verifiers': { needsVerifiers: true, gate: passesWithANewRow },
  'a verifier that is attached after its first load': {
    needsVerifiers: true,
    nodeLink: attachesAfterTheLoad,
  },
  'an age before the first load is whole': { needsVerifiers: true, nodeLink: countsTheLoadTooEarly },
  'an age while the node is not fresh': {
    needsVerifiers: true,
    feedOptions: (options, node) => ({
      ...options,
      picture: { ...options.picture, ageMs: () => node.follower.ageMs() ?? 0 },
    }),
  },
  'answers that overtake entries': { needsVerifiers: true, nodeLink: letsAnswersOvertake },
  "a node's own entries without a number": { needsVerifiers: true, gate: leavesOutOwnEntries },
  'a view that is replaced when a load is whole': {
    needsVerifiers: true,
    Reader: SwapsItsView,
    verifierView: swappedView,
  },
  'a view that is cleared for a new socket': {
    needsVerifiers: true,
    Reader: ClearsItsView,
    verifierView: swappedView,
  },
  'acknowledgements that outlive their socket': {
    needsVerifiers: true,
    readerLink: keepsApplied(),
    Feed: TakesAnyAcknowledgement,
  },
  'a lapse by the wall clock': {
    needsVerifiers: true,
    feedOptions: (options, { process }) => ({
      ...options,
      clock: {
        monotonic: () => process.wall(),
        wall: () => process.wall(),
        after: (milliseconds, call) => process.after(milliseconds, call),
      },
    }),
  },
  'a lapse that takes all clocks for equal': {
    needsVerifiers: true,
    feedOptions: options => ({ ...options, leaseMs: options.leaseMs / 1.05 }),
    nodeLink: (link, { leaseMs }) => ({
      send: (text, sent) => link.send(text.replace(/"lease":[\d.]+/, `"lease":${leaseMs}`), sent),
      get unsentBytes() {
        return link.unsentBytes
      },
      close: why => link.close(why),
    }),
  },
  'a stopping node that does not wait for its verifiers': {
    needsVerifiers: true,
    gate: feed => ({
      get position() {
        return feed.position
      },
      whenPassed: (position, call) => feed.whenPassed(position, call),
      close: async () => void feed.close(),
    }),
  },
  'a verifier that decides after its bye': { needsVerifiers: true, Reader: DecidesAfterItsBye },
} satisfies Record<string, Flaw>
