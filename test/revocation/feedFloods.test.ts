import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { Feed, type FeedConnection, type FeedLink } from '../../src/revocation/feed.ts'
import { readNodeFrame, type VerifierFrame, writeFrame } from '../../src/revocation/feedFrames.ts'
import { RevocationView } from '../../src/revocation/view.ts'
import { settled, TestClock } from '../support/testClock.ts'

/* What somebody can do to a node who has stolen the secret of a service with the right to the feed. */

const leaseMs = 1000
const ackMs = 100

let clock: TestClock
let view: RevocationView
let feed: Feed
let revoked = 0

class Link implements FeedLink {
  readonly unsentBytes = 0
  closedFor: string | undefined
  lastAge: number | undefined

  send(text: string, sent?: () => void): void {
    const frame = readNodeFrame(text)
    if (typeof frame === 'object' && frame.type === 'beat') this.lastAge = frame.age
    sent?.()
  }

  close(why: string): void {
    this.closedFor ??= why
  }
}

class Socket {
  readonly link = new Link()
  readonly connection: FeedConnection = feed.attach(this.link, { kind: 'VERIFIER', name: 'stolen' })
  #k = 0

  say(frame: VerifierFrame): void {
    this.connection.receive(writeFrame(frame))
  }

  beat(): number | undefined {
    this.say({ type: 'beat', k: ++this.#k, applied: feed.position })
    return this.link.lastAge
  }
}

async function attached(): Promise<Socket> {
  const socket = new Socket()
  socket.say({ type: 'hello' })
  await settled()
  return socket
}

function revoke(): void {
  const subject = `session ${++revoked}`
  view.apply([{ kind: 'session', subject, reason: 'LOGGED_OUT', revokedAt: 1_700_000_000_000 }])
}

beforeEach(() => {
  clock = new TestClock()
  view = new RevocationView()
  const picture = { ageMs: () => 10, databaseTime: () => 1_700_000_000_000 }
  feed = new Feed({ view, clock, leaseMs, ackMs, picture })
})

describe('A flood of beats', () => {
  it('ends its socket, and goes on with what time has given back', async () => {
    const socket = await attached()
    for (let beat = 0; beat < 100; beat++) expect(socket.beat()).toBe(10)
    await clock.pass(leaseMs / 2)
    for (let beat = 0; beat < 3; beat++) socket.beat()
    expect(socket.link.closedFor).toBeUndefined()
    socket.beat()
    expect(socket.link.closedFor).toBe('These are too many beats.')
  })

  it('is none where each beat acknowledges something, however much is revoked at once', async () => {
    const socket = await attached()
    for (let round = 0; round < 1000; round++) {
      revoke()
      socket.beat()
    }
    expect(socket.link.closedFor).toBeUndefined()
  })
})

it('A socket that says no hello is closed after 5 s, and one whose hello waited for a pause to end is not', async () => {
  const silent = new Socket()
  const late = new Socket()
  // After a pause, timers run before sockets are read.
  clock.after(5000, () => late.say({ type: 'hello' }))
  await clock.pass(4999)
  expect(silent.link.closedFor).toBeUndefined()
  await clock.pass(1)
  expect(silent.link.closedFor).toBe('No hello has come.')
  expect(late.link.closedFor).toBeUndefined()
})

it('Sockets that are slow in turn have to wait for the pause of their service, and the others have not', async () => {
  const sockets = [await attached(), await attached(), await attached()]
  const [honest, ...slow] = sockets as [Socket, ...Socket[]]
  for (const [at, one] of slow.entries()) {
    for (const socket of [honest, ...slow.slice(at)]) expect(socket.beat()).toBe(10)
    // The others acknowledge at once.
    revoke()
    for (const socket of sockets) if (socket !== one) socket.beat()
    await clock.pass(ackMs + 1)
    // An acknowledgement may be answered later. The next beat is none.
    one.beat()
    expect(one.beat()).toBeUndefined()
    // The pause of that socket alone is over then, and not that of its service.
    await clock.pass(1001)
    expect(honest.beat()).toBe(10)
  }
  for (const one of slow) expect(one.beat()).toBeUndefined()
  expect(honest.beat()).toBe(10)
  await clock.pass(1000)
  for (const socket of sockets) expect(socket.beat()).toBe(10)
})

it('Sockets that come and go leave nothing behind where nothing is revoked', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const links: WeakRef<Link>[] = []
  for (let round = 0; round < 50; round++) {
    const socket = await attached()
    expect(socket.beat()).toBe(10)
    socket.connection.closed()
    links.push(new WeakRef(socket.link))
    await clock.pass(leaseMs)
  }
  await new Promise(setImmediate)
  collect()
  // The last ones may still be fresh.
  expect(links.filter(link => link.deref() !== undefined).length).toBeLessThan(5)
})
