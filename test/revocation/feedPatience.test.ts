import { beforeEach, describe, expect, it } from '@jest/globals'
import { Feed, type FollowerOfNode } from '../../src/revocation/feed.ts'
import {
  type NodeFrame,
  readNodeFrame,
  type VerifierFrame,
  writeFrame,
} from '../../src/revocation/feedFrames.ts'
import { type Revocation, RevocationView } from '../../src/revocation/view.ts'
import { heapInUse } from '../support/heap.ts'
import { settled, TestClock } from '../support/testClock.ts'

/* For how long a node waits for a verifier, and how it answers acknowledgements. What passes when: feed.test.ts. */

const leaseMs = 1000
const databaseMs = 1_700_000_000_000
let clock: TestClock
let view: RevocationView
let feed: Feed

beforeEach(() => {
  clock = new TestClock()
  view = new RevocationView()
  const picture = { ageMs: () => 10, databaseTime: () => databaseMs }
  feed = new Feed({ view, clock, leaseMs, ackMs: 100, picture })
})

function open(kind: FollowerOfNode['kind'] = 'VERIFIER', name = 'gateway') {
  const frames: NodeFrame[] = []
  const closedFor: string[] = []
  const link = {
    unsentBytes: 0,
    send(text: string, sent?: () => void) {
      const frame = readNodeFrame(text)
      if (frame !== undefined && frame !== 'unknown') frames.push(frame)
      sent?.()
    },
    close: (why: string) => void closedFor.push(why),
  }
  const connection = feed.attach(link, { kind, name })
  const say = (frame: VerifierFrame) => connection.receive(writeFrame(frame))
  let k = 0
  return {
    ...{ frames, closedFor, connection, say, link },
    beat: (applied = feed.position) => say({ type: 'beat', k: ++k, applied }),
    answers: () => frames.flatMap(frame => (frame.type === 'beat' ? [frame.k] : [])),
  }
}
async function attached(kind?: FollowerOfNode['kind']) {
  const peer = open(kind)
  peer.say({ type: 'hello' })
  await settled()
  peer.beat()
  return peer
}
const session = (number: number): Revocation => ({
  ...{ kind: 'session', subject: `session ${number}`, reason: 'LOGGED_OUT', revokedAt: databaseMs },
})

describe('a link that says nothing', () => {
  it('is closed after 5 s, and one that has said hello is not', async () => {
    const [silent, polite] = [open(), open()]
    await clock.pass(4999)
    expect(silent.closedFor).toEqual([])
    polite.say({ type: 'hello' })
    await clock.pass(1)
    expect([silent.closedFor, polite.closedFor]).toEqual([['No hello has come.'], []])
    await clock.pass(10_000)
    expect([silent.closedFor.length, polite.closedFor]).toEqual([1, []])
  })

  it('that says hello, or is closed, in the last moment is left alone', async () => {
    const [late, gone] = [open(), open()]
    // Behind the first timer, and before the second one.
    clock.after(5000, () => late.say({ type: 'hello' }))
    clock.after(5000, () => gone.connection.closed())
    await clock.pass(6000)
    expect([late.closedFor, gone.closedFor]).toEqual([[], []])
  })

  it('that was closed by itself is left alone', async () => {
    const gone = open()
    gone.connection.closed()
    await clock.pass(6000)
    expect(gone.closedFor).toEqual([])
    expect(feed.list()).toEqual([])
  })
})

describe('the beats of a verifier', () => {
  it('are a hundred at once and six in a lease, and with more of them its link is closed', async () => {
    const peer = await attached('MIRROR')
    for (let count = 0; count < 99; count++) peer.beat()
    expect(peer.closedFor).toEqual([])
    await clock.pass(leaseMs / 2)
    for (let count = 0; count < 3; count++) peer.beat()
    expect(peer.closedFor).toEqual([])
    peer.beat()
    expect(peer.closedFor).toEqual(['These are too many beats.'])
  })

  it('are one more for each position', async () => {
    const peer = await attached('MIRROR')
    for (let count = 0; count < 99; count++) peer.beat()
    view.apply([session(1)])
    peer.beat()
    expect(peer.closedFor).toEqual([])
    peer.beat()
    expect(peer.closedFor).toEqual(['These are too many beats.'])
  })
})

describe('acknowledgements', () => {
  it('of a verifier that has time are answered an eighth of a lease later, several by one answer', async () => {
    const [one, other] = [await attached(), await attached()]
    view.apply([session(1)])
    one.beat(1)
    await clock.pass(50)
    view.apply([session(2)])
    one.beat(2)
    other.beat(2)
    expect([one.answers(), other.answers()]).toEqual([[1], [1]])
    await clock.pass(74)
    expect([one.answers(), other.answers()]).toEqual([[1], [1]])
    await clock.pass(1)
    expect([one.answers(), other.answers()]).toEqual([
      [1, 3],
      [1, 2],
    ])
    await clock.pass(200)
    expect(one.answers()).toEqual([1, 3])
    // The next ones wait for their own eighth.
    view.apply([session(3)])
    one.beat(3)
    await clock.pass(124)
    expect(one.answers()).toEqual([1, 3])
    await clock.pass(1)
    expect(one.answers()).toEqual([1, 3, 4])
  })

  it('are answered at once by a beat that says nothing new, and not once more', async () => {
    const peer = await attached()
    view.apply([session(1)])
    peer.beat(1)
    peer.beat(1)
    expect(peer.answers()).toEqual([1, 3])
    await clock.pass(200)
    expect(peer.answers()).toEqual([1, 3])
  })

  it('are answered at once where the verifier is about to lapse, or is the mirror', async () => {
    const [verifier, mirror] = [await attached(), await attached('MIRROR')]
    view.apply([session(1)])
    mirror.beat(1)
    expect(mirror.answers()).toEqual([1, 2])
    await clock.pass(545)
    verifier.beat(1)
    expect(verifier.answers()).toEqual([1, 2])
  })

  it('of a link that was closed meanwhile are not answered', async () => {
    const peer = await attached()
    view.apply([session(1)])
    peer.beat(1)
    peer.connection.closed()
    await clock.pass(200)
    expect(peer.answers()).toEqual([1])
  })

  it('never go back', async () => {
    const peer = await attached()
    view.apply([session(1)])
    view.apply([session(2)])
    peer.beat(2)
    peer.beat(1)
    expect(peer.answers()).toEqual([1, 3])
    await clock.pass(50)
    // Nothing new: it has acknowledged two of them.
    peer.beat(2)
    expect(peer.answers()).toEqual([1, 3, 4])
  })
})

describe('a verifier whose link has closed', () => {
  it('is waited for until it has lapsed, whoever comes and goes meanwhile', async () => {
    const peer = await attached()
    peer.connection.closed()
    open().connection.closed()
    view.apply([session(1)])
    await clock.pass(leaseMs * 1.05 - 11)
    expect(feed.hasPassed(1)).toBe(false)
    await clock.pass(1)
    expect(feed.hasPassed(1)).toBe(true)
    // It is no reason to wait any more.
    view.apply([session(2)])
    expect(feed.hasPassed(2)).toBe(true)
  })

  it('is forgotten once it has lapsed: sockets that come and go take no memory', async () => {
    const come = async (count: number) => {
      for (let at = 0; at < count; at++) {
        const peer = await attached()
        peer.connection.closed()
        clock.now += 2 * leaseMs
      }
    }
    await come(50)
    const before = heapInUse()
    await come(3000)
    // What is kept of each takes more than a kilobyte.
    expect(heapInUse() - before).toBeLessThan(1_500_000)
  })

  it('is sent nothing more of its first load', async () => {
    view.apply(Array.from({ length: 201 }, (_, at) => session(at)))
    let goOn = () => {}
    let sends = 0
    const link = {
      unsentBytes: 0,
      send(_: string, sent?: () => void) {
        sends++
        if (sent) goOn = sent
      },
      close: () => {},
    }
    const connection = feed.attach(link, { kind: 'VERIFIER', name: 'gateway' })
    connection.receive(writeFrame({ type: 'hello' }))
    connection.closed()
    goOn()
    expect(sends).toBe(1)
  })
})

it('A verifier that was not slow gets ages on, though another one of its service was', async () => {
  const [slow, quick] = [await attached(), await attached()]
  view.apply([session(1)])
  quick.beat(1)
  await clock.pass(150)
  quick.beat(1)
  // The first one says something new, and is answered later.
  slow.beat(1)
  slow.beat(1)
  const ages = [slow, quick].map(({ frames }) => frames.findLast(frame => frame.type === 'beat'))
  expect(ages).toMatchObject([{ age: undefined }, { age: 10 }])
})

describe('entries', () => {
  it('are told 1000 at a time, each page with a position of its own', async () => {
    const peer = await attached()
    view.apply(Array.from({ length: 2000 }, (_, at) => session(at)))
    const pages = peer.frames.flatMap(frame =>
      frame.type === 'entries' ? [[frame.n, frame.entries.length]] : [],
    )
    expect(pages).toEqual([
      [1, 1000],
      [2, 1000],
    ])
    expect(feed.position).toBe(2)
  })

  it('of the first load are told 200 at a time', async () => {
    view.apply(Array.from({ length: 401 }, (_, at) => session(at)))
    const peer = await attached()
    const pages = peer.frames.flatMap(frame =>
      frame.type === 'entries' ? [[frame.n, frame.entries.length]] : [],
    )
    expect(pages).toEqual([
      [undefined, 200],
      [undefined, 200],
      [undefined, 1],
    ])
  })

  it('and keys are told to nobody before the hello', () => {
    const peer = open()
    view.apply([session(1)])
    feed.tellKeys('annul', [])
    expect(peer.frames).toEqual([])
    peer.say({ type: 'hello' })
    expect(peer.frames.map(({ type }) => type)).toEqual(['keys', 'entries', 'loaded'])
  })
})

it('A node that stops tells why it closes its links', async () => {
  const [peer, silent] = [await attached(), open()]
  const closing = feed.close()
  expect(peer.frames.at(-1)).toEqual({ type: 'bye' })
  peer.say({ type: 'bye' })
  expect(peer.closedFor).toEqual(['Bye.'])
  await closing
  expect(silent.closedFor).toEqual(['The node is stopping.'])
  expect(open().closedFor).toEqual(['The node is stopping.'])
})
