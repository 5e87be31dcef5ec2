import { beforeEach, describe, expect, it } from '@jest/globals'
import { Barrier } from '../../src/revocation/barrier.ts'
import type { Membership } from '../../src/revocation/follow.ts'
import type { NodeRow } from '../../src/revocation/store.ts'
import { settled, TestClock } from '../support/testClock.ts'

/* What ends a wait, and when the other nodes are asked. The clock stands still until a test moves it. */

const leaseMs = 1000
/** For so long a node with the slowest clock may be fresh. */
const longestMs = 1050
const longestAllowedMs = 10_000
/** Shows all transactions below 200. */
const synced = '200:200:'

let clock: TestClock
let rows: NodeRow[]
/** When `nodes` was asked for. */
let polls: number[]
/** Answers wait here while they are held. */
let held: (() => void)[] | undefined
let failure: Error | undefined
let forgotten: string[]
let taken: string | undefined
let connection: Membership['connection']
let follower: {
  membership: Membership | undefined
  longestLeaseMs: number
  readonly hints: (string | undefined)[]
  hint(xid?: string): void
  published: ReadonlySet<string>
  hasPublished(xid: string): boolean
}
let barrier: Barrier

const row = (id: string, more: Partial<NodeRow> = {}): NodeRow => ({
  ...{ id, beat: '1', leaseMs, synced, ...more },
})

function answer<T>(value: () => T): Promise<T> {
  const error = failure
  const result = value()
  return new Promise((resolve, reject) => {
    const tell = () => (error === undefined ? resolve(result) : reject(error))
    if (held === undefined) tell()
    else held.push(tell)
  })
}

function connect(connectedAt: number): Membership {
  connection = {
    nodes: () => {
      polls.push(clock.now)
      return answer(() => rows)
    },
    forget: (id: string, beat: string) => {
      forgotten.push(`${id} ${beat}`)
      rows = rows.filter(each => each.id !== id || each.beat !== beat)
      return answer(() => undefined)
    },
    takeTransactionId: () => answer(() => String(taken)),
  } as unknown as Membership['connection']
  return { connection, node: 'own', connectedAt }
}

beforeEach(() => {
  clock = new TestClock()
  // So that times below are those since the beginning.
  clock.now = 0
  rows = [row('own'), row('other')]
  polls = []
  held = undefined
  failure = undefined
  forgotten = []
  taken = '150'
  follower = {
    membership: connect(-longestMs),
    longestLeaseMs: leaseMs,
    hints: [],
    hint: xid => void follower.hints.push(xid),
    published: new Set(['150', '151', '250']),
    // Of what is no id it can say nothing, as the follower can not.
    hasPublished: xid => follower.published.has(String(BigInt(xid))),
  }
  barrier = new Barrier(follower, clock, longestAllowedMs)
})

/** Begins a wait. @returns how long it waited, once it is over */
function wait(xid?: string) {
  const state: { ms?: number } = {}
  void barrier.wait(xid).then(ms => {
    state.ms = ms
  })
  return state
}

/** Until the wait is over, in steps of a millisecond. */
async function over(state: { ms?: number }) {
  for (let passed = 0; passed < 12_000 && state.ms === undefined; passed++) await clock.pass(1)
  return state.ms
}

describe('a wait', () => {
  it('is over when a poll after it finds all rows to show the transaction', async () => {
    const state = wait('150')
    expect(follower.hints).toEqual(['150'])
    await clock.pass(0.9)
    expect([state.ms, polls]).toEqual([undefined, []])
    await clock.pass(0.1)
    expect([state.ms, polls]).toEqual([1, [1]])
  })

  it.each<[string, () => void]>([
    ['a row of another node does not show it', () => rows.splice(1, 1, row('other', { synced: '100:100:' }))],
    ['the own row is not there', () => rows.shift()],
    ['no row is there', () => rows.splice(0)],
    ['the connection has just been opened', () => (follower.membership = connect(0))],
  ])('ends by time where %s', async (_, set) => {
    set()
    expect(await over(wait('150'))).toBe(longestMs)
  })

  it('ends as soon as the last row shows the transaction', async () => {
    rows = [row('own'), row('other', { synced: '100:100:' })]
    const state = wait('150')
    await clock.pass(500)
    expect(state.ms).toBeUndefined()
    rows = [row('own'), row('other')]
    await clock.pass(50)
    expect(state.ms).toBeGreaterThan(500)
    expect(state.ms).toBeLessThanOrEqual(550)
  })

  it('believes the rows one longest lease after the connection was opened, and not before', async () => {
    // The first poll is sent after 1 ms, the second one after 2.1 ms.
    follower.membership = connect(-longestMs + 1)
    expect(await over(wait('150'))).toBe(1)
    clock.now = 0
    follower.membership = connect(-longestMs + 1.5)
    expect(await over(wait('150'))).toBeCloseTo(2.1)
  })

  it.each<[string, () => void]>([
    ['another node', () => rows.push(row('third', { leaseMs: 2000 }))],
    [
      'any node that the follower has seen',
      () => {
        follower.longestLeaseMs = 2000
      },
    ],
  ])('ends by the lease of %s where that is longer', async (_, set) => {
    set()
    expect(await over(wait('250'))).toBe(2100)
  })

  it('ends by the longest lease that was ever seen', async () => {
    rows.push(row('third', { leaseMs: 2000 }))
    await over(wait('250'))
    rows = [row('own')]
    expect(await over(wait('250'))).toBe(2100)
  })

  it.each<[string, () => void]>([
    ['there is no connection', () => (follower.membership = undefined)],
    ['the connection is lost', () => (failure = new Error('It was lost.'))],
  ])('ends by the longest lease that is allowed where %s', async (_, set) => {
    set()
    expect(await over(wait('150'))).toBe(longestAllowedMs * 1.05)
  })

  it('goes on where a connection is there again', async () => {
    for (const [lose, regain] of [
      [() => (failure = new Error('It was lost.')), () => (failure = undefined)],
      [() => (follower.membership = undefined), () => (follower.membership = connect(-longestMs))],
    ] as const) {
      lose()
      const state = wait('150')
      await clock.pass(500)
      expect(state.ms).toBeUndefined()
      regain()
      await clock.pass(50)
      expect(state.ms).toBeLessThanOrEqual(550)
    }
  })
})

describe('a wait for a transaction that is not known', () => {
  it('takes one, and hints to it', async () => {
    held = []
    const state = wait()
    expect(follower.hints).toEqual([undefined])
    held.shift()?.()
    await settled()
    held = undefined
    expect(follower.hints).toEqual([undefined, '150'])
    await clock.pass(2)
    expect(state.ms).toBe(1)
  })

  it('ends by time where none can be taken', async () => {
    failure = new Error('It was lost.')
    const state = wait()
    await settled()
    failure = undefined
    expect(await over(state)).toBe(longestMs)
    expect(follower.hints).toEqual([undefined])
  })

  it('ends by time where there is no connection', async () => {
    follower.membership = undefined
    const state = wait()
    await settled()
    follower.membership = connect(-longestMs)
    expect(await over(state)).toBe(longestMs)
  })

  it('holds up nobody else', async () => {
    held = []
    const unknown = wait()
    const known = wait('150')
    await clock.pass(1)
    // What was asked first is the transaction, and then the rows.
    held[1]?.()
    await settled()
    expect([unknown.ms, known.ms]).toEqual([undefined, expect.any(Number)])
  })

  it('takes none where it is known', async () => {
    taken = undefined
    wait('150')
    await clock.pass(2)
    expect(follower.hints).toEqual(['150'])
  })
})

describe('polls', () => {
  it('come quickly at first and then every 50 ms, until the wait is over', async () => {
    rows = [row('own')]
    wait('250')
    await clock.pass(longestMs - 1)
    const pauses = polls.map((at, index) => at - (polls[index - 1] ?? 0))
    // 1 ms, a tenth more each time up to 2 ms, and then a third.
    const expected: number[] = []
    for (
      let pause = 1;
      expected.length < pauses.length;
      pause = Math.min(50, pause * (pause < 2 ? 1.1 : 1.3))
    )
      expected.push(pause)
    expect(pauses.length).toBeGreaterThan(30)
    pauses.forEach((pause, index) => {
      expect(pause).toBeCloseTo(Number(expected[index]), 5)
    })
  })

  it('are shared by all who wait', async () => {
    const states = [wait('150'), wait('151'), wait()]
    await clock.pass(2)
    // Whoever comes later wakes those who wait for the first poll.
    expect(states.map(({ ms }) => ms)).toEqual([0, 0, 0])
    expect(polls).toEqual([0])
  })

  it('come at once for who comes later, and quickly again', async () => {
    wait('250')
    await clock.pass(500)
    const before = polls.length
    wait('250')
    await settled()
    expect(polls.length).toBe(before + 1)
    await clock.pass(1)
    expect(polls.length).toBe(before + 2)
  })

  it('that were under way say nothing to who came later', async () => {
    held = []
    const first = wait('150')
    await clock.pass(1)
    expect(polls).toEqual([1])
    const second = wait('151')
    held.shift()?.()
    await settled()
    expect([first.ms, second.ms]).toEqual([1, undefined])
    await clock.pass(1)
    held.shift()?.()
    await settled()
    expect([second.ms, polls.length]).toEqual([1, 2])
  })

  it('that were under way say nothing about the leases to who came later, either', async () => {
    held = []
    wait('250')
    await clock.pass(1)
    const late = wait('250')
    held.shift()?.()
    await settled()
    // No later poll is answered.
    expect(await over(late)).toBe(longestAllowedMs * 1.05)
  })

  it('are few while the own row does not show what was revoked: once for each wait', async () => {
    follower.published = new Set()
    rows = [row('own', { synced: '100:100:' })]
    const first = wait('150')
    await clock.pass(500)
    expect([first.ms, polls]).toEqual([undefined, [1]])
    const second = wait('151')
    await clock.pass(100)
    expect(polls).toEqual([1, 500])
    follower.published = new Set(['150'])
    rows = [row('own', { synced: '151:151:' })]
    await clock.pass(50)
    expect([first.ms === undefined, second.ms === undefined]).toEqual([false, true])
  })

  it('are few also while a transaction is still to be taken', async () => {
    held = []
    wait()
    const [take] = held
    await clock.pass(1)
    held[1]?.()
    await clock.pass(500)
    expect(polls).toEqual([1])
    held = undefined
    take?.()
    await clock.pass(50)
    expect(polls.length).toBe(2)
  })

  it('end when nobody waits, and begin again for the next one', async () => {
    wait('150')
    await clock.pass(5000)
    expect(polls).toEqual([1])
    const state = wait('150')
    await clock.pass(5000)
    expect([polls, state.ms]).toEqual([[1, 5001], 1])
  })
})

describe('the row of a node that is silent', () => {
  /** A row of a node that lives. */
  const beating = (id: string, synced: string): NodeRow => ({
    ...row(id, { synced }),
    get beat() {
      return String(Math.floor(clock.now / (leaseMs / 3)))
    },
  })
  const silent = (beat = '1') => row('other', { beat, synced: '100:100:' })
  beforeEach(() => {
    rows = [beating('own', synced), silent()]
  })
  /** Polls wait until then for their answers. */
  async function answeredAfter(ms: number) {
    held = []
    const state = wait('150')
    await clock.pass(ms)
    held.shift()?.()
    held = undefined
    await settled()
    return state
  }

  it('is forgotten when it stood still for the longest lease, a little after the wait that it has cost', async () => {
    const state = wait('150')
    await clock.pass(longestMs)
    expect([state.ms, forgotten]).toEqual([longestMs, []])
    await clock.pass(51)
    expect(forgotten).toEqual(['other 1'])
  })

  it.each([100, 1000])('is forgotten also where its first poll was answered after %i ms', async ms => {
    const state = await answeredAfter(ms)
    await clock.pass(longestMs - 1)
    expect([state.ms, forgotten]).toEqual([longestMs, []])
    await clock.pass(52)
    expect(forgotten).toEqual(['other 1'])
  })

  it('is forgotten also where the poll that ends the wait shows it for the first time', async () => {
    const state = await answeredAfter(2000)
    expect([state.ms, forgotten]).toEqual([2000, []])
    await clock.pass(longestMs + 50)
    expect(forgotten).toEqual(['other 1'])
  })

  it('is forgotten a lease after its last beat, and not before', async () => {
    wait('150')
    await clock.pass(500)
    rows.splice(1, 1, silent('2'))
    await clock.pass(longestMs - 1)
    expect(forgotten).toEqual([])
    await clock.pass(102)
    expect(forgotten).toEqual(['other 2'])
  })

  it('is not forgotten while it beats', async () => {
    rows.splice(1, 1, beating('other', '100:100:'))
    const state = wait('150')
    await clock.pass(5000)
    expect([state.ms, forgotten]).toEqual([longestMs, []])
  })

  it('is watched anew after a new connection', async () => {
    wait('150')
    await clock.pass(500)
    follower.membership = connect(-longestMs)
    await clock.pass(longestMs - 1)
    expect(forgotten).toEqual([])
    await clock.pass(102)
    expect(forgotten).toEqual(['other 1'])
  })

  it.each<[string, () => void]>([
    ['it is forgotten meanwhile', () => {}],
    ['the database is lost', () => (failure = new Error('It was lost.'))],
  ])('is watched for a lease after the wait, and no longer, also where %s', async (_, set) => {
    wait('150')
    await clock.pass(longestMs)
    set()
    await clock.pass(5000)
    expect(Number(polls.at(-1))).toBeGreaterThanOrEqual(2 * longestMs)
    expect(Number(polls.at(-1))).toBeLessThanOrEqual(2 * longestMs + 50)
  })

  it('is watched no longer where there is no connection any more, as in a node that stops', async () => {
    wait('150')
    await clock.pass(longestMs)
    follower.membership = undefined
    await clock.pass(51)
    const count = polls.length
    follower.membership = connect(-longestMs)
    await clock.pass(5000)
    expect([polls.length, forgotten]).toEqual([count, []])
  })

  it('costs the next wait nothing where it could not be forgotten', async () => {
    wait('150')
    await clock.pass(longestMs)
    failure = new Error('It was lost.')
    await clock.pass(5000)
    failure = undefined
    rows = [row('own')]
    expect(await over(wait('150'))).toBe(1)
  })
})
