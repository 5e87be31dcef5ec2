import { beforeEach, describe, expect, it } from '@jest/globals'
import { Follower } from '../../src/revocation/follow.ts'
import type { Gate } from '../../src/revocation/gate.ts'
import { type Revocation, RevocationView } from '../../src/revocation/view.ts'
import { settled, TestClock } from '../support/testClock.ts'
import { HeldDatabase } from './heldDatabase.ts'

/* Which statements a node sends, and when. The clock stands still until a test moves it. */

const leaseMs = 900
const lost = new Error('It was lost.')

/** A gate that lets pass when the test says so. */
class HeldGate implements Gate {
  position = 0
  isClosed = false
  closings = 0
  #waiting: { readonly position: number; readonly call: () => void }[] = []
  #close = () => {}

  whenPassed(position: number, call: () => void): void {
    this.#waiting.push({ position, call })
  }

  close(): Promise<void> {
    this.closings++
    return new Promise(resolve => {
      this.#close = resolve
    })
  }

  /** Lets everything pass that waits, or so many of it. */
  pass(count = this.#waiting.length): void {
    for (const { call } of this.#waiting.splice(0, count)) call()
  }

  finish(): void {
    this.#close()
  }
}

let clock: TestClock
let view: RevocationView
let database: HeldDatabase
let errors: unknown[]
beforeEach(() => {
  clock = new TestClock()
  view = new RevocationView()
  database = new HeldDatabase(clock)
  errors = []
})

function create(gate?: Gate) {
  const onError = (error: unknown) => errors.push(error)
  return new Follower({ store: database, view, clock, leaseMs, gate, onError })
}

/** A node that is fresh, and has published what it has read. */
async function start(gate?: HeldGate) {
  const follower = create(gate)
  const started = follower.start()
  await settled()
  gate?.pass()
  await settled()
  await started
  database.taken()
  return follower
}
const knows = (subject: string) =>
  view.verdict({ sub: 'user', sid: subject, ver: 1, epoch: 1 }) === 'LOGGED_OUT'
const session = (subject: string): Revocation => ({
  ...{ kind: 'session', subject, reason: 'LOGGED_OUT', revokedAt: clock.wall() },
})
const shown = () => [...database.nodes.values()].map(({ synced }) => synced)

describe('a node that starts', () => {
  it('reads the log, joins, beats, and publishes at once what it has read', async () => {
    const follower = create()
    const started = follower.start()
    expect([follower.isFresh(), follower.ageMs(), follower.databaseTime()]).toEqual([
      false,
      undefined,
      undefined,
    ])
    expect([follower.membership, follower.longestLeaseMs]).toEqual([undefined, leaseMs])
    await started
    await settled()
    expect(database.taken()).toEqual([
      'connect',
      'snapshot',
      'page 0',
      `join node 1 ${leaseMs}`,
      'beat node 1 100:100: 100:100:',
      'publish node 1 101:101:',
    ])
    expect([follower.isFresh(), follower.ageMs()]).toEqual([true, 0])
    expect(follower.membership).toEqual({
      ...{ connection: database.last, node: [...database.nodes.keys()][0], connectedAt: clock.now },
    })
    expect(errors).toEqual([])
  })

  it('is not fresh before its first beat was answered', async () => {
    database.holds.add('beat')
    const follower = create()
    let isStarted = false
    void follower.start().then(() => {
      isStarted = true
    })
    await clock.pass(50)
    expect([isStarted, follower.isFresh()]).toEqual([false, false])
    expect(follower.membership?.node).toBeDefined()
    database.answer()
    await settled()
    // The age counts from the moment before the beat was sent.
    expect([isStarted, follower.isFresh(), follower.ageMs()]).toEqual([true, true, 50])
    expect(follower.databaseTime()).toBe(clock.wall() + 77)
  })

  it('asks for the next page before it adds the one before, and applies all of them', async () => {
    database.pages = [[session('one')], [session('two')], [session('three')]]
    database.holds.add('page')
    const follower = create()
    void follower.start()
    await settled()
    expect(database.taken()).toEqual(['connect', 'snapshot', 'page 0'])
    database.answer()
    await settled()
    expect(database.taken()).toEqual(['page 1'])
    expect([knows('one'), knows('two')]).toEqual([true, false])
    database.answer()
    await settled()
    expect(database.taken()).toEqual(['page 2'])
    database.holds.clear()
    database.answer()
    await settled()
    expect(database.taken().slice(0, 2)).toEqual(['page 3', `join node 1 ${leaseMs}`])
    expect(['one', 'two', 'three'].map(knows)).toEqual([true, true, true])
    expect(follower.isFresh()).toBe(true)
  })

  it('knows what came while it read the log, from its first beat on', async () => {
    database.holds.add('page')
    void create().start()
    await settled()
    database.revoke('meanwhile')
    database.answer()
    await settled()
    expect(knows('meanwhile')).toBe(true)
  })

  it('runs once, however often it is started', async () => {
    const follower = create()
    await Promise.all([follower.start(), follower.start()].slice(1))
    expect(database.calls.filter(call => call === 'connect')).toHaveLength(1)
  })

  it('that is stopped while it reads the log, joins no more', async () => {
    database.pages = [[session('one')], [session('two')]]
    database.holds.add('page')
    const follower = create()
    const started = follower.start()
    await settled()
    const stopped = follower.stop()
    database.answer()
    await stopped
    await started
    expect(database.taken()).toEqual(['connect', 'snapshot', 'page 0'])
    expect(knows('one')).toBe(false)
    expect([database.last.isOpen, follower.isFresh()]).toEqual([false, false])
  })
})

describe('beats', () => {
  it('come each third of a lease, and bring what is new, without a hint', async () => {
    const follower = await start()
    await clock.pass(299)
    expect(database.taken()).toEqual([])
    database.revoke('one')
    await clock.pass(1)
    // News are published at once.
    expect(database.taken()).toEqual(['beat node 1 101:101: 101:101:', 'publish node 1 104:104:'])
    expect([knows('one'), follower.ageMs()]).toEqual([true, 0])
    await clock.pass(300)
    // Nothing is new: the next beat publishes.
    expect(database.taken()).toEqual(['beat node 1 104:104: 104:104:'])
    await clock.pass(300)
    expect(database.taken()).toEqual(['beat node 1 106:106: 106:106:'])
  })

  it('are counted from the moment when they were sent', async () => {
    await start()
    database.holds.add('beat')
    await clock.pass(300)
    expect(database.taken()).toHaveLength(1)
    await clock.pass(100)
    database.holds.clear()
    database.answer()
    await clock.pass(199)
    expect(database.taken()).toEqual([])
    await clock.pass(1)
    expect(database.taken()).toHaveLength(1)
  })

  it('tell the longest lease of all nodes, which is never forgotten', async () => {
    const follower = await start()
    database.nodes.set('other', { beat: 1, leaseMs: 5000, synced: '1:1:' })
    await clock.pass(300)
    expect(follower.longestLeaseMs).toBe(5000)
    database.nodes.delete('other')
    await clock.pass(300)
    expect(follower.longestLeaseMs).toBe(5000)
  })

  it('let the view forget what is too old to matter', async () => {
    database.pages = [[session('old')]]
    const follower = await start()
    expect(view.size.sessions).toBe(1)
    // A reading without a beat does not tell the time.
    clock.stepWallClock(3_900_000)
    follower.hint()
    await settled()
    expect(view.size.sessions).toBe(1)
    await clock.pass(300)
    expect(view.size.sessions).toBe(0)
  })
})

describe('the age of the view', () => {
  it('ends the freshness with the lease, and not before', async () => {
    const follower = await start()
    database.holds.add('beat')
    await clock.pass(leaseMs - 1)
    expect([follower.isFresh(), follower.ageMs()]).toEqual([true, leaseMs - 1])
    await clock.pass(1)
    expect([follower.isFresh(), follower.ageMs()]).toEqual([false, leaseMs])
  })

  it('is that of the clock that has gone further', async () => {
    const follower = await start()
    clock.stepWallClock(500)
    expect(follower.ageMs()).toBe(500)
    clock.stepWallClock(-499)
    clock.now += 100
    expect(follower.ageMs()).toBe(101)
    clock.stepWallClock(-51)
    expect(follower.ageMs()).toBe(100)
  })

  it('is not known where the wall clock was put back', async () => {
    const follower = await start()
    expect(follower.ageMs()).toBe(0)
    clock.stepWallClock(-1)
    expect([follower.ageMs(), follower.isFresh()]).toEqual([undefined, false])
    // The next beat counts from the new time.
    await clock.pass(300)
    expect(follower.ageMs()).toBe(0)
  })

  it('does not fall by a reading without a beat', async () => {
    const follower = await start()
    await clock.pass(100)
    follower.hint()
    await settled()
    expect(database.taken()[0]).toBe('read 101:101:')
    expect(follower.ageMs()).toBe(100)
  })
})

describe('a hint', () => {
  it('brings the news at once, and publishes them', async () => {
    const follower = await start()
    const xid = database.revoke('one')
    database.last.hint(xid)
    await settled()
    expect(database.taken()).toEqual(['read 101:101:', 'publish node 1 104:104:'])
    expect([knows('one'), follower.hasPublished(xid)]).toEqual([true, true])
  })

  it('without news publishes, too: somebody may wait for that', async () => {
    const follower = await start()
    follower.hint()
    await settled()
    expect(database.taken()).toEqual(['read 101:101:', 'publish node 1 103:103:'])
  })

  it('of what is published already does nothing', async () => {
    const follower = await start()
    expect([follower.hasPublished('100'), follower.hasPublished('101')]).toEqual([true, false])
    follower.hint('100')
    await settled()
    expect(database.taken()).toEqual([])
  })

  it('of what is applied already publishes, and reads nothing', async () => {
    const follower = await start()
    await clock.pass(300)
    // The beat has read a snapshot that no row shows yet.
    expect(database.taken()).toEqual(['beat node 1 101:101: 101:101:'])
    follower.hint('102')
    await settled()
    expect(database.taken()).toEqual(['publish node 1 103:103:'])
  })

  it('publishes nothing that the row shows already', async () => {
    const follower = await start()
    // Nothing has written since.
    database.next = 101
    follower.hint()
    await settled()
    expect(database.taken()).toEqual(['read 101:101:'])
  })

  it('of what a beat has published does nothing', async () => {
    const follower = await start()
    await clock.pass(600)
    expect(database.taken()).toEqual(['beat node 1 101:101: 101:101:', 'beat node 1 103:103: 103:103:'])
    expect([follower.hasPublished('102'), follower.hasPublished('103')]).toEqual([true, false])
  })

  it('that comes while a statement is under way is not lost', async () => {
    const follower = await start()
    database.holds.add('read')
    follower.hint()
    await settled()
    database.revoke('late')
    follower.hint()
    database.holds.clear()
    database.answer()
    await settled()
    expect(knows('late')).toBe(true)
    expect(database.taken().filter(call => call.startsWith('read'))).toHaveLength(2)
  })

  it('is one reading, not one for each pause', async () => {
    const follower = await start()
    follower.hint()
    await clock.pass(299)
    expect(database.taken().filter(call => call.startsWith('read'))).toHaveLength(1)
  })

  it('that comes when a beat is due is a beat, which publishes', async () => {
    const follower = await start()
    clock.now += 300
    follower.hint()
    await settled()
    expect(database.taken()).toEqual(['beat node 1 101:101: 101:101:', 'publish node 1 103:103:'])
  })

  it('before the start does not matter', async () => {
    const follower = create()
    follower.hint()
    follower.hint('5')
    await follower.start()
    await settled()
    expect(database.taken().filter(call => call.startsWith('read'))).toEqual([])
  })
})

describe('a gate', () => {
  it('holds back what the row shows, and nothing that the view knows', async () => {
    const gate = new HeldGate()
    const follower = create(gate)
    void follower.start()
    await settled()
    expect(follower.isFresh()).toBe(true)
    expect(database.taken().slice(-1)).toEqual(['beat node 1 100:100: 1:1:'])
    database.revoke('one')
    follower.hint()
    await settled()
    expect([database.taken(), knows('one'), shown()]).toEqual([['read 101:101:'], true, ['1:1:']])
    await clock.pass(300)
    expect(database.taken()).toEqual(['beat node 1 103:103: 1:1:'])
    gate.pass()
    await settled()
    // What was applied last has passed.
    expect(database.taken()).toEqual(['publish node 1 103:103:'])
  })

  it('that lets pass what somebody waits for has it published at once', async () => {
    const gate = new HeldGate()
    const follower = await start(gate)
    const xid = database.revoke('one')
    follower.hint(xid)
    await settled()
    expect(database.taken()).toEqual(['read 101:101:'])
    await clock.pass(100)
    expect([database.taken(), follower.hasPublished(xid)]).toEqual([[], false])
    gate.pass()
    await settled()
    expect(database.taken()).toEqual(['publish node 1 104:104:'])
    expect(follower.hasPublished(xid)).toBe(true)
  })

  it('that lets pass something older leaves that to the next beat', async () => {
    const gate = new HeldGate()
    const follower = await start(gate)
    // A beat without news, which nobody waits for.
    await clock.pass(300)
    database.taken()
    database.revoke('one')
    follower.hint()
    await settled()
    expect(database.taken()).toEqual(['read 103:103:'])
    gate.pass(1)
    await settled()
    expect(database.taken()).toEqual([])
    await clock.pass(300)
    expect(database.taken()).toEqual(['beat node 1 105:105: 103:103:'])
  })

  it('that lets pass nothing that anybody waits for publishes nothing', async () => {
    const gate = new HeldGate()
    await start(gate)
    await clock.pass(300)
    database.taken()
    gate.pass()
    await settled()
    expect(database.taken()).toEqual([])
    await clock.pass(300)
    expect(database.taken()).toEqual(['beat node 1 103:103: 103:103:'])
  })

  it('has nothing published that the row shows already, nor counts as shown what it does not show', async () => {
    const gate = new HeldGate()
    const follower = await start(gate)
    await clock.pass(300)
    expect(database.taken()).toEqual(['beat node 1 101:101: 101:101:'])
    // The row shows this one, so that nobody waits for it.
    follower.hint('99')
    gate.pass()
    await settled()
    expect([database.taken(), follower.hasPublished('102')]).toEqual([[], false])
    // A reading shows nothing to anybody.
    database.holds.add('read')
    follower.hint()
    await settled()
    expect([database.taken(), follower.hasPublished('102')]).toEqual([['read 103:103:'], false])
    database.holds.clear()
    database.answer()
    await settled()
  })

  it('that lets pass what was applied while somebody waited has that published, too', async () => {
    const gate = new HeldGate()
    const follower = await start(gate)
    database.revoke('one')
    follower.hint()
    await settled()
    database.revoke('two')
    follower.hint()
    await settled()
    expect(database.taken()).toEqual(['read 101:101:', 'read 104:104:'])
    gate.pass(1)
    await settled()
    expect(database.taken()).toEqual(['publish node 1 104:104:'])
    gate.pass(1)
    await settled()
    expect(database.taken()).toEqual(['publish node 1 105:105:'])
    // And nothing more is waited for.
    await clock.pass(300)
    expect(database.taken()).toEqual(['beat node 1 105:105: 105:105:'])
    gate.pass()
    await settled()
    expect(database.taken()).toEqual([])
  })

  it('counts for the row of its time only', async () => {
    const gate = new HeldGate()
    await start(gate)
    database.revoke('one')
    database.last.hint()
    await settled()
    database.nodes.clear()
    await clock.pass(300)
    database.taken()
    // What has been applied for the first row.
    gate.pass(1)
    await clock.pass(300)
    expect(database.taken()).toEqual([expect.stringMatching(/^beat node 2 [\d:]+ 1:1:$/)])
    expect(shown()).toEqual(['1:1:'])
    gate.pass()
    await settled()
    expect(shown()).not.toEqual(['1:1:'])
  })
})

describe('a node whose row is gone', () => {
  it('is not fresh until it has joined anew, and goes on from what it knows', async () => {
    const follower = await start()
    database.nodes.clear()
    database.holds.add('join')
    database.revoke('one')
    await clock.pass(300)
    expect(database.taken()).toEqual(['beat node 1 101:101: 101:101:', `join node 2 ${leaseMs} node 1`])
    expect([follower.isFresh(), follower.ageMs(), knows('one')]).toEqual([false, undefined, false])
    database.answer()
    await settled()
    expect(database.taken()).toEqual(['beat node 2 101:101: 101:101:', 'publish node 2 106:106:'])
    expect([follower.isFresh(), knows('one'), errors]).toEqual([true, true, []])
    expect(follower.membership?.node).toBe([...database.nodes.keys()][0])
  })

  it('has published nothing in its new row before the gate lets it pass', async () => {
    const gate = new HeldGate()
    const follower = await start(gate)
    expect(follower.hasPublished('100')).toBe(true)
    database.nodes.clear()
    await clock.pass(300)
    expect(database.taken()).toContain('beat node 2 101:101: 1:1:')
    expect(follower.hasPublished('100')).toBe(false)
    // What the row does not show is published for a hint to it.
    follower.hint('100')
    gate.pass()
    await settled()
    expect(follower.hasPublished('100')).toBe(true)
  })

  it('keeps the moment when its connection was opened', async () => {
    const follower = await start()
    const connectedAt = follower.membership?.connectedAt
    database.nodes.clear()
    await clock.pass(300)
    expect(follower.membership?.connectedAt).toBe(connectedAt)
  })
})

describe('a node whose connection is lost', () => {
  it('tells why, stays fresh, and joins anew in place of its row, 100 ms later', async () => {
    const follower = await start()
    const first = database.last
    database.fails.set('read', lost)
    database.revoke('one')
    first.hint()
    await settled()
    expect([errors, first.isOpen, follower.membership]).toEqual([[lost], false, undefined])
    expect([follower.isFresh(), follower.hasPublished('100')]).toEqual([true, false])
    database.taken()
    database.fails.clear()
    await clock.pass(99)
    expect(database.taken()).toEqual([])
    await clock.pass(1)
    expect(database.taken().slice(0, 5)).toEqual([
      'connect',
      'snapshot',
      'page 0',
      `join node 2 ${leaseMs} node 1`,
      'beat node 2 104:104: 104:104:',
    ])
    expect([database.nodes.size, follower.isFresh()]).toEqual([1, true])
    expect(follower.membership?.connectedAt).toBe(clock.now)
  })

  it('removes every row that it may have left', async () => {
    await start()
    database.fails.set('read', lost)
    database.last.hint()
    database.holds.add('join')
    await clock.pass(100)
    // It has joined, and does not learn it.
    database.fails.clear()
    database.fails.set('beat', lost)
    database.answer()
    await settled()
    database.fails.clear()
    database.fails.set('join', lost)
    database.holds.clear()
    await clock.pass(100)
    database.fails.clear()
    await clock.pass(100)
    expect(database.taken().filter(call => call.startsWith('join'))).toEqual([
      `join node 2 ${leaseMs} node 1`,
      `join node 3 ${leaseMs} node 2`,
      `join node 4 ${leaseMs} node 2 node 3`,
    ])
    expect(database.nodes.size).toBe(1)
  })

  it('tries again each 100 ms while it can not connect, and needs nobody who hears of it', async () => {
    database.fails.set('connect', lost)
    const follower = new Follower({ store: database, view, clock, leaseMs })
    void follower.start()
    await clock.pass(250)
    expect(database.taken()).toEqual(['connect', 'connect', 'connect'])
    database.fails.clear()
    await clock.pass(50)
    expect(follower.isFresh()).toBe(true)
  })

  it('does not hurry because of a hint that came before', async () => {
    await start()
    database.fails.set('read', lost)
    database.holds.add('read')
    database.last.hint()
    await settled()
    // As a lost connection does, besides.
    database.last.hint()
    database.answer()
    database.holds.clear()
    database.fails.clear()
    database.taken()
    await clock.pass(99)
    expect(database.taken()).toEqual([])
  })
})

describe('a node that was about to publish', () => {
  it('does not hurry either when its connection is lost', async () => {
    const gate = new HeldGate()
    const follower = await start(gate)
    database.revoke('one')
    follower.hint()
    await settled()
    database.fails.set('beat', lost)
    database.holds.add('beat')
    await clock.pass(300)
    gate.pass()
    database.answer()
    await settled()
    expect([errors, database.taken().at(-1)]).toEqual([[lost], expect.stringMatching(/^beat node 1 /)])
    await clock.pass(99)
    expect(database.taken()).toEqual([])
    await clock.pass(1)
    expect(database.taken()[0]).toBe('connect')
  })
})

describe('a node that stops', () => {
  it('decides nothing any more, and removes its row when the gate is closed', async () => {
    const gate = new HeldGate()
    const follower = await start(gate)
    const stops = [follower.stop(), follower.stop()]
    let isStopped = false
    void Promise.all(stops).then(() => {
      isStopped = true
    })
    expect([follower.isFresh(), gate.closings]).toEqual([false, 1])
    await clock.pass(1000)
    expect([database.taken(), isStopped, database.last.isOpen]).toEqual([[], false, true])
    gate.finish()
    await settled()
    expect([database.taken(), isStopped, database.last.isOpen]).toEqual([['leave node 1'], true, false])
    expect([follower.membership, database.nodes.size, errors]).toEqual([undefined, 0, []])
    await clock.pass(10_000)
    expect(database.taken()).toEqual([])
  })

  it('is not made fresh by a beat that is under way', async () => {
    const follower = await start()
    database.holds.add('beat')
    await clock.pass(300)
    database.revoke('late')
    const stopped = follower.stop()
    database.answer()
    await stopped
    expect([follower.isFresh(), database.taken()]).toEqual([
      false,
      ['beat node 1 101:101: 101:101:', 'leave node 1'],
    ])
  })

  it('is not told of what fails meanwhile', async () => {
    const follower = await start()
    database.fails.set('leave', lost)
    await follower.stop()
    expect([errors, database.last.isOpen]).toEqual([[], false])
    await clock.pass(10_000)
    expect(database.connections).toHaveLength(1)
  })

  it('before it is fresh ends its start', async () => {
    database.fails.set('connect', lost)
    const follower = create()
    let isStarted = false
    void follower.start().then(() => {
      isStarted = true
    })
    await settled()
    expect(isStarted).toBe(false)
    await follower.stop()
    expect([isStarted, database.taken()]).toEqual([true, ['connect']])
  })

  it('without having started ends at once', async () => {
    await create().stop()
    expect(database.taken()).toEqual([])
  })
})
