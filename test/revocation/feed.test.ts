import { beforeEach, describe, expect, test } from '@jest/globals'
import { Feed, type FeedConnection, type FeedLink, type FollowerOfNode } from '../../src/revocation/feed.ts'
import {
  type NodeFrame,
  readNodeFrame,
  type VerifierFrame,
  writeFrame,
} from '../../src/revocation/feedFrames.ts'
import { type Revocation, RevocationView } from '../../src/revocation/view.ts'
import { settled, TestClock } from '../support/testClock.ts'

const leaseMs = 1000
const ackMs = 100
/** For so long a verifier with the slowest clock may use a picture. */
const longestMs = 1050
const databaseMs = 1_700_000_000_000

let clock: TestClock
let view: RevocationView
let feed: Feed
/** The age of the node's picture. */
let age: number | undefined

/** A link as a test needs it: it keeps what was sent. */
class TestLink implements FeedLink {
  unsentBytes = 0
  isPaced = false
  closedFor: string | undefined
  readonly texts: string[] = []
  readonly #waiting: (() => void)[] = []

  send(text: string, sent?: () => void): void {
    if (this.closedFor !== undefined) throw new Error('A frame was sent to a link that is being closed.')
    this.texts.push(text)
    if (sent === undefined) return
    if (this.isPaced) this.#waiting.push(sent)
    else sent()
  }

  close(why: string): void {
    this.closedFor ??= why
  }

  /** The frame that waits longest has left. */
  leave(): void {
    this.#waiting.shift()?.()
  }

  get frames(): NodeFrame[] {
    return this.texts.map(text => {
      const frame = readNodeFrame(text)
      if (frame === undefined || frame === 'unknown') throw new Error(`This is no frame: ${text}`)
      return frame
    })
  }

  get lastAge(): number | undefined {
    const last = this.frames.findLast(frame => frame.type === 'beat')
    return last?.type === 'beat' ? last.age : undefined
  }
}

class TestVerifier {
  readonly link = new TestLink()
  readonly connection: FeedConnection
  #k = 0

  constructor(name = 'gateway', kind: FollowerOfNode['kind'] = 'VERIFIER') {
    this.connection = feed.attach(this.link, { kind, name })
  }

  say(frame: VerifierFrame): void {
    this.connection.receive(writeFrame(frame))
  }

  /** @returns the age that the answer tells */
  beat(applied = feed.position): number | undefined {
    this.say({ type: 'beat', k: ++this.#k, applied })
    return this.link.lastAge
  }
}

function open(options: { prepare?: () => Promise<void> } = {}): void {
  const picture = { ageMs: () => age, databaseTime: () => databaseMs }
  feed = new Feed({ view, clock, leaseMs, ackMs, picture, ...options })
}

/** A verifier that may be fresh. */
async function attached(name?: string): Promise<TestVerifier> {
  const verifier = new TestVerifier(name)
  verifier.say({ type: 'hello' })
  await settled()
  expect(verifier.beat()).toBe(age)
  return verifier
}

function session(number: number): Revocation {
  return { kind: 'session', subject: `session ${number}`, reason: 'LOGGED_OUT', revokedAt: databaseMs }
}

let revoked = 0
function revoke(): number {
  view.apply([session(++revoked)])
  return feed.position
}

beforeEach(() => {
  clock = new TestClock()
  view = new RevocationView()
  age = 10
  revoked = 0
  open()
})

describe('A position has passed', () => {
  test('when each verifier has acknowledged it, and not before', async () => {
    const [one, other] = [await attached(), await attached()]
    const first = revoke()
    const second = revoke()
    expect(one.link.frames.at(-1)).toEqual({ type: 'entries', entries: [session(2)], n: 2 })
    let isTold = false
    feed.whenPassed(first, () => {
      isTold = true
    })
    one.beat(second)
    other.beat(0)
    expect([feed.hasPassed(first), isTold]).toEqual([false, false])
    other.beat(first)
    expect([feed.hasPassed(first), isTold, feed.hasPassed(second)]).toEqual([true, true, false])
    other.beat(second)
    expect(feed.hasPassed(second)).toBe(true)
  })

  test('when the slowest clock shows a lease since the answer that came last, less its age', async () => {
    await attached()
    await clock.pass(300)
    const position = revoke()
    await clock.pass(longestMs - 10 - 300 - 1)
    expect(feed.hasPassed(position)).toBe(false)
    await clock.pass(1)
    expect(feed.hasPassed(position)).toBe(true)
  })

  test('not a moment earlier, whatever the wall clock shows and whether the socket is still there', async () => {
    const verifier = await attached()
    verifier.connection.closed()
    clock.stepWallClock(3_600_000)
    const position = revoke()
    await clock.pass(longestMs - 10 - 1)
    expect(feed.hasPassed(position)).toBe(false)
    await clock.pass(1)
    expect(feed.hasPassed(position)).toBe(true)
  })

  test('at once, where no verifier was ever told an age, or each has lapsed or said bye', async () => {
    new TestVerifier().say({ type: 'hello' })
    expect(feed.hasPassed(revoke())).toBe(true)
    const [one] = [await attached(), await attached()]
    await clock.pass(longestMs - 10)
    expect(feed.hasPassed(revoke())).toBe(true)
    one.beat()
    const position = revoke()
    expect(feed.hasPassed(position)).toBe(false)
    one.say({ type: 'bye' })
    expect(feed.hasPassed(position)).toBe(true)
    expect(one.link.closedFor).toBe('Bye.')
  })

  test('when a link within the process acknowledges while it is sent to', async () => {
    const verifier = await attached()
    const send = verifier.link.send.bind(verifier.link)
    verifier.link.send = (text, sent) => {
      send(text, sent)
      const frame = readNodeFrame(text)
      if (typeof frame === 'object' && frame.type === 'entries' && frame.n !== undefined)
        verifier.beat(frame.n)
    }
    expect(feed.hasPassed(revoke())).toBe(true)
  })
})

describe('A verifier is told an age', () => {
  test('only when its first load is whole', async () => {
    view.apply(Array.from({ length: 500 }, (_, number) => session(number + 10)))
    const verifier = new TestVerifier()
    verifier.link.isPaced = true
    verifier.say({ type: 'hello' })
    await settled()
    // One page is in memory, and the next is read when it has left.
    for (const pages of [1, 2, 3]) {
      expect(verifier.link.frames.filter(({ type }) => type === 'entries')).toHaveLength(pages)
      expect(verifier.beat(0)).toBeUndefined()
      verifier.link.leave()
    }
    expect(verifier.link.frames.at(-1)).toEqual({ type: 'loaded', n: 1 })
    expect(verifier.beat()).toBe(10)
  })

  test('and is sent what is applied during its first load', () => {
    view.apply([session(10)])
    const verifier = new TestVerifier()
    verifier.link.isPaced = true
    verifier.say({ type: 'hello' })
    revoke()
    verifier.link.leave()
    const sent = verifier.link.frames.map(frame =>
      frame.type === 'entries' ? (frame.n ?? 'page') : frame.type,
    )
    expect(sent).toEqual(['page', 2, 'loaded'])
  })

  test('never while the node has no picture, nor after a bye in either direction', async () => {
    const [one, other] = [await attached(), await attached()]
    age = undefined
    expect(one.beat()).toBeUndefined()
    age = 10
    expect(one.beat()).toBe(10)
    one.say({ type: 'bye' })
    const before = one.link.texts.length
    one.beat()
    expect(one.link.texts).toHaveLength(before)
    void feed.close()
    expect(other.link.frames.at(-1)).toEqual({ type: 'bye' })
    expect(other.beat()).toBeUndefined()
  })

  test('only when what must be stored was stored, which a later beat tries again', async () => {
    let isStored = false
    let tries = 0
    open({
      prepare: async () => {
        tries++
        if (!isStored) throw new Error('The database is away.')
      },
    })
    const verifier = new TestVerifier()
    verifier.say({ type: 'hello' })
    await settled()
    expect(verifier.beat()).toBeUndefined()
    await settled()
    isStored = true
    expect(verifier.beat()).toBeUndefined()
    await settled()
    expect(verifier.beat()).toBe(10)
    verifier.beat()
    expect(tries).toBe(3)
  })
})

describe('A verifier that does not acknowledge in time', () => {
  test('lapses once, and is told ages again after a pause that doubles', async () => {
    const verifier = await attached()
    for (const pauseMs of [1000, 2000, 4000]) {
      revoke()
      await clock.pass(ackMs + 1)
      expect(verifier.beat(0)).toBeUndefined()
      expect(verifier.beat()).toBeUndefined()
      await clock.pass(pauseMs - 2)
      expect(verifier.beat()).toBeUndefined()
      await clock.pass(1)
      // What came since it was slow has to be acknowledged first.
      expect(verifier.beat(feed.position - 1)).toBeUndefined()
      expect(verifier.beat()).toBe(10)
    }
  })

  test('gains nothing by a new socket', async () => {
    const verifier = await attached('slow')
    revoke()
    await clock.pass(ackMs + 1)
    verifier.connection.closed()
    const next = new TestVerifier('slow')
    next.say({ type: 'hello' })
    expect(next.beat()).toBeUndefined()
    await attached('another service')
    await clock.pass(999)
    expect(next.beat()).toBe(10)
  })

  test('takes nothing from the mirror, though a service may have its name', async () => {
    const service = await attached('redis')
    const mirror = new TestVerifier('redis', 'MIRROR')
    mirror.say({ type: 'hello' })
    expect(mirror.beat()).toBe(10)
    revoke()
    mirror.beat()
    await clock.pass(ackMs + 1)
    expect(service.beat(0)).toBeUndefined()
    const next = new TestVerifier('redis', 'MIRROR')
    next.say({ type: 'hello' })
    expect([mirror.beat(), next.beat()]).toEqual([10, 10])
  })

  test('is not called slow when the process was paused, and its acknowledgement is there', async () => {
    const verifier = await attached()
    revoke()
    clock.now += 5000
    // Timers run first, then sockets are read, and then the timers of the first timers.
    clock.after(0, () => verifier.beat())
    await clock.pass(0)
    expect(verifier.beat()).toBe(10)
  })
})

describe('A link is closed', () => {
  test.each([
    ['a text that is no frame', 'hello'],
    ['an unknown frame', '{"type":"hi"}'],
    ['a position that was never sent', '{"type":"beat","k":2,"applied":1}'],
    ['a second hello', '{"type":"hello"}'],
    ['a beat with numbers that are none', '{"type":"beat","k":-1,"applied":"0"}'],
  ])('by %s, and nothing is sent or taken any more', async (_what, text) => {
    const verifier = await attached()
    verifier.connection.receive(text)
    expect(verifier.link.closedFor).toBe('This is no frame of the feed.')
    expect(feed.list()).toEqual([])
    const position = revoke()
    verifier.beat(position)
    // What it was told before may be used until it lapses.
    expect(feed.hasPassed(position)).toBe(false)
    await clock.pass(longestMs)
    expect(feed.hasPassed(position)).toBe(true)
  })

  test('by a beat before the hello', () => {
    const verifier = new TestVerifier()
    verifier.beat(0)
    expect(verifier.link.closedFor).toBe('This is no frame of the feed.')
  })

  test('by more than 1 MiB that is not read', async () => {
    const verifier = await attached()
    verifier.link.unsentBytes = 1_048_576
    revoke()
    expect(verifier.link.closedFor).toBeUndefined()
    verifier.link.unsentBytes++
    revoke()
    expect(verifier.link.closedFor).toBe('The frames are not read.')
    revoke()
  })
})

describe('A node that stops', () => {
  test('asks all to leave, and waits for their answers', async () => {
    const [one, other] = [await attached(), await attached()]
    let isClosed = false
    void feed.close().then(() => {
      isClosed = true
    })
    one.say({ type: 'bye' })
    await settled()
    expect(isClosed).toBe(false)
    other.say({ type: 'bye' })
    await settled()
    expect(isClosed).toBe(true)
  })

  test('waits for those whose socket has closed, until they have lapsed', async () => {
    const verifier = await attached()
    verifier.connection.closed()
    let isClosed = false
    void feed.close().then(() => {
      isClosed = true
    })
    await clock.pass(longestMs - 10 - 1)
    expect(isClosed).toBe(false)
    await clock.pass(1)
    expect(isClosed).toBe(true)
  })

  test('takes no new links', async () => {
    void feed.close()
    expect(new TestVerifier().link.closedFor).toBe('The node is stopping.')
    expect(feed.list()).toEqual([])
  })
})

test('the list shows who follows, and how old the picture was that each was told', async () => {
  await attached('gateway')
  new TestVerifier('new')
  await clock.pass(50)
  expect(feed.list()).toMatchObject([
    { kind: 'VERIFIER', name: 'gateway', ageMs: 60 },
    { kind: 'VERIFIER', name: 'new', ageMs: undefined },
  ])
})

test('keys are told to those who come, and to those who are there', async () => {
  const early = await attached()
  const keys = [{ kty: 'OKP', kid: 'one' }]
  feed.tellKeys('https://auth.example.com', keys)
  const frame = { type: 'keys', issuer: 'https://auth.example.com', keys }
  expect(early.link.frames.at(-1)).toEqual(frame)
  const late = new TestVerifier()
  expect(late.link.frames).toEqual([])
  late.say({ type: 'hello' })
  expect(late.link.frames[0]).toEqual(frame)
})
