import { beforeEach, describe, expect, test } from '@jest/globals'
import { type NodeFrame, readVerifierFrame, writeFrame } from '../../src/revocation/feedFrames.ts'
import { type Revocation, RevocationView } from '../../src/revocation/view.ts'
import { FeedReader, type ReaderConnection, type ReaderLink } from '../../src/verify/feedReader.ts'
import { TestClock } from '../support/testClock.ts'

const leaseMs = 900
const databaseMs = 1_700_000_000_000

let clock: TestClock
let view: RevocationView
let reader: FeedReader
let events: string[]

class TestSocket implements ReaderLink {
  readonly texts: string[] = []
  isClosed = false
  readonly connection: ReaderConnection

  constructor() {
    this.connection = reader.open(this)
  }

  send(text: string): void {
    const frame = readVerifierFrame(text)
    if (frame?.type === 'bye') events.push(reader.isFresh() ? 'bye while fresh' : 'bye')
    this.texts.push(text)
  }

  close(): void {
    this.isClosed = true
  }

  get beats(): { k: number; applied: number }[] {
    return this.texts.flatMap(text => {
      const frame = readVerifierFrame(text)
      return frame?.type === 'beat' ? [{ k: frame.k, applied: frame.applied }] : []
    })
  }

  get k(): number {
    return this.beats.at(-1)?.k ?? 0
  }

  hear(frame: NodeFrame): void {
    this.connection.receive(writeFrame(frame))
  }

  answer(k = this.k, age = 0): void {
    this.hear({ type: 'beat', k, age, time: databaseMs, lease: leaseMs })
  }
}

function session(sid: string): Revocation {
  return { kind: 'session', subject: sid, reason: 'LOGGED_OUT', revokedAt: databaseMs }
}

function refuses(sid: string): boolean {
  return view.verdict({ sub: 'user', sid, ver: 1, epoch: 1 }) !== undefined
}

beforeEach(() => {
  clock = new TestClock()
  view = new RevocationView()
  events = []
  reader = new FeedReader({
    view,
    clock,
    onKeys: ({ keys }) => events.push(`${keys.length} keys`),
    onFresh: () => events.push('fresh'),
    onBye: () => events.push(reader.isFresh() ? 'asked to leave while fresh' : 'asked to leave'),
  })
})

describe('A verifier is fresh', () => {
  test('for a lease since it sent the beat, less the age that the answer told', async () => {
    const socket = new TestSocket()
    expect(reader.isFresh()).toBe(false)
    await clock.pass(100)
    socket.answer(1, 50)
    expect([reader.isFresh(), reader.ageMs()]).toEqual([true, 150])
    socket.connection.closed()
    await clock.pass(leaseMs - 150 - 1)
    expect(reader.isFresh()).toBe(true)
    await clock.pass(1)
    expect([reader.isFresh(), reader.ageMs()]).toEqual([false, undefined])
  })

  test('not by an answer that tells no age, is too old, answers nothing that was asked, or was used before', async () => {
    const socket = new TestSocket()
    socket.hear({ type: 'beat', k: 1, time: databaseMs, lease: leaseMs })
    await clock.pass(300)
    socket.answer(2, leaseMs)
    socket.answer(99)
    socket.answer(1)
    expect(reader.isFresh()).toBe(false)
    await clock.pass(leaseMs)
    const [k] = [socket.k]
    await clock.pass(leaseMs)
    socket.answer(k)
    expect(reader.isFresh()).toBe(false)
  })

  test('by the clock that shows more, and not after the wall clock was put back', async () => {
    const socket = new TestSocket()
    socket.answer()
    clock.stepWallClock(leaseMs - 1)
    expect(reader.isFresh()).toBe(true)
    clock.stepWallClock(1)
    expect(reader.isFresh()).toBe(false)
    clock.stepWallClock(-leaseMs)
    expect(reader.isFresh()).toBe(true)
    clock.stepWallClock(-1)
    expect(reader.isFresh()).toBe(false)
  })

  test('not less by an answer that was long on its way', async () => {
    const socket = new TestSocket()
    await clock.pass(200)
    socket.answer(2)
    expect(reader.ageMs()).toBe(0)
    await clock.pass(300)
    socket.answer(3, 600)
    expect(reader.ageMs()).toBe(300)
  })
})

describe('Each socket counts for itself', () => {
  test('its numbers begin anew, and the view stays', () => {
    const first = new TestSocket()
    first.hear({ type: 'entries', entries: [session('one')], n: 7 })
    first.hear({ type: 'loaded', n: 7 })
    expect(first.beats.at(-1)).toEqual({ k: 3, applied: 7 })
    first.connection.closed()
    const second = new TestSocket()
    expect(second.beats).toEqual([{ k: 1, applied: 0 }])
    second.hear({ type: 'entries', entries: [session('two')] })
    expect(second.beats).toHaveLength(1)
    second.hear({ type: 'loaded', n: 3 })
    expect(second.beats.at(-1)).toEqual({ k: 2, applied: 3 })
    expect([refuses('one'), refuses('two'), refuses('three')]).toEqual([true, true, false])
  })

  test('one that says bye leaves the others, and is not decided by when it says so', () => {
    const [first, second] = [new TestSocket(), new TestSocket()]
    first.answer()
    first.connection.leave()
    expect(events).toEqual(['fresh', 'bye'])
    second.answer()
    first.answer(1)
    expect(reader.isFresh()).toBe(true)
    second.connection.leave()
    second.hear({ type: 'entries', entries: [session('late')], n: 1 })
    second.answer(1)
    expect([reader.isFresh(), refuses('late')]).toEqual([false, false])
  })

  test('and one whose node is about to stop is left when others could be attached', () => {
    const socket = new TestSocket()
    socket.answer()
    socket.hear({ type: 'bye' })
    expect(events).toEqual(['fresh', 'asked to leave while fresh', 'bye'])
    expect(reader.isFresh()).toBe(false)
  })
})

describe('A frame that can not be read closes the socket', () => {
  test.each([
    ['garbage', 'garbage'],
    ['an array', '[]'],
    ['an entry of an unknown kind', '{"type":"entries","entries":[{"kind":"new","revokedAt":1}],"n":1}'],
    [
      'an entry without a version',
      '{"type":"entries","entries":[{"kind":"user","subject":"u","revokedAt":1}],"n":1}',
    ],
    ['an answer with a negative age', '{"type":"beat","k":1,"age":-1,"time":1,"lease":900}'],
  ])('%s, and what comes behind it is neither acknowledged nor decided by', async (_what, text) => {
    const socket = new TestSocket()
    socket.answer()
    socket.connection.receive(text)
    expect(socket.isClosed).toBe(true)
    const said = socket.texts.length
    socket.hear({ type: 'entries', entries: [session('next')], n: 2 })
    socket.answer(2)
    await clock.pass(leaseMs - 1)
    expect(socket.texts).toHaveLength(said)
    // What was answered before holds: the node waits for it.
    expect(reader.isFresh()).toBe(true)
    await clock.pass(1)
    expect(reader.isFresh()).toBe(false)
  })

  test('but a frame of a later version is passed over', () => {
    const socket = new TestSocket()
    socket.connection.receive('{"type":"news"}')
    socket.answer()
    expect([socket.isClosed, reader.isFresh()]).toEqual([false, true])
  })
})

test('it beats every third of the lease, and no more when its socket has closed', async () => {
  const socket = new TestSocket()
  socket.answer()
  await clock.pass(200)
  const { k } = socket
  await clock.pass(900)
  expect(socket.k - k).toBe(3)
  socket.connection.closed()
  socket.hear({ type: 'loaded', n: 1 })
  await clock.pass(900)
  expect(socket.k - k).toBe(3)
})

test('keys are handed on', () => {
  new TestSocket().hear({ type: 'keys', issuer: 'https://auth.example.com', keys: [{ kty: 'OKP' }] })
  expect(events).toEqual(['1 keys'])
})

describe("The database's time", () => {
  test('counts from the beat, so it is never early, also when the machine slept', async () => {
    const socket = new TestSocket()
    await clock.pass(50)
    socket.answer(1)
    expect(reader.databaseTime()).toBe(databaseMs + 50)
    await clock.pass(100)
    expect(reader.databaseTime()).toBe(databaseMs + 150)
    // As a sleep does that stops the monotonic clock.
    clock.stepWallClock(500)
    expect([reader.isFresh(), reader.databaseTime()]).toEqual([true, databaseMs + 650])
  })

  test('is not taken from an answer that makes nobody fresh', async () => {
    const [old, present] = [new TestSocket(), new TestSocket()]
    // The machine sleeps for an hour, and the wall clock is put back by more than that.
    clock.stepWallClock(-1000)
    await clock.pass(200)
    present.hear({ type: 'beat', k: 2, age: 0, time: databaseMs + 3_600_200, lease: leaseMs })
    expect(reader.databaseTime()).toBe(databaseMs + 3_600_200)
    // It was composed before the machine slept.
    old.answer(1)
    expect([reader.isFresh(), reader.databaseTime()]).toEqual([true, databaseMs + 3_600_200])
  })
})
