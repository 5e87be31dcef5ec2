import { describe, expect, it } from '@jest/globals'
import { Passing } from '../../src/revocation/passing.ts'
import { TestClock } from '../support/testClock.ts'

/* When a position has passed, with a clock that the test moves. In a node's feed: feed.test.ts. */

function open() {
  const clock = new TestClock()
  const scheduled: number[] = []
  const passing = new Passing<string>({
    monotonic: () => clock.monotonic(),
    wall: () => clock.wall(),
    after(milliseconds, call) {
      scheduled.push(milliseconds)
      return clock.after(milliseconds, call)
    },
  })
  const passed: string[] = []
  return {
    ...{ clock, passing, passed, scheduled },
    /** Who may be fresh without the position, and for how many milliseconds from now. */
    wait: (position: number, waiting: Record<string, number>) =>
      passing.wait(position, new Map(Object.entries(waiting).map(([peer, ms]) => [peer, clock.now + ms]))),
    note: (name: string, position: number) => passing.whenPassed(position, () => passed.push(name)),
  }
}

describe('a position', () => {
  it('that nobody waits for has passed', () => {
    const { passing, passed, note } = open()
    expect([passing.hasPassed(0), passing.hasPassed(9), passing.waitingAt(9)]).toEqual([true, true, []])
    note('at once', 9)
    expect(passed).toEqual(['at once'])
  })

  it('has passed when each has acknowledged it, or a later one', () => {
    const { passing, passed, wait, note } = open()
    wait(5, { a: 1000, b: 1000 })
    wait(7, { a: 1000, b: 1000 })
    note('five', 5)
    note('seven', 7)
    note('four', 4)
    expect([passing.hasPassed(4), passing.hasPassed(5), passing.waitingAt(5), passed]).toEqual([
      true,
      false,
      ['a', 'b'],
      ['four'],
    ])
    passing.acknowledge('a', 4)
    expect(passing.waitingAt(5)).toEqual(['a', 'b'])
    passing.acknowledge('a', 5)
    expect([passing.waitingAt(5), passing.waitingAt(7)]).toEqual([['b'], ['a', 'b']])
    passing.acknowledge('a', 7)
    passing.acknowledge('b', 5)
    expect(passed).toEqual(['four', 'five'])
    expect([passing.hasPassed(5), passing.hasPassed(6), passing.hasPassed(7)]).toEqual([true, true, false])
    passing.acknowledge('b', 9)
    expect(passed).toEqual(['four', 'five', 'seven'])
    passing.acknowledge('b', 9)
    expect(passed).toHaveLength(3)
  })

  it('has not passed before those below it', () => {
    const { passing, passed, wait, note } = open()
    wait(7, { b: 1000 })
    wait(5, { a: 1000 })
    note('seven', 7)
    note('nine', 9)
    expect([passing.hasPassed(4), passing.hasPassed(5)]).toEqual([true, false])
    passing.acknowledge('b', 7)
    expect([passing.hasPassed(7), passed]).toEqual([false, []])
    passing.acknowledge('a', 5)
    expect(passed).toEqual(['seven', 'nine'])
  })

  it('has passed when the time of all is over for which they could be fresh', async () => {
    const { clock, passing, passed, wait, note } = open()
    wait(5, { a: 100, b: 300 })
    note('five', 5)
    await clock.pass(299)
    expect([passing.waitingAt(5), passed]).toEqual([['a', 'b'], []])
    await clock.pass(1)
    expect([passing.waitingAt(5), passed]).toEqual([[], ['five']])
  })

  it('passes earlier where those whose time is the longest are released', async () => {
    const { clock, passing, passed, wait, note } = open()
    wait(5, { a: 100, b: 300 })
    note('five', 5)
    passing.release('b')
    await clock.pass(99)
    expect(passed).toEqual([])
    await clock.pass(1)
    expect(passed).toEqual(['five'])
  })

  it('is not computed anew at each acknowledgement while many are left', () => {
    const { passing, scheduled, wait } = open()
    const peers = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`peer ${at}`, 1000]))
    wait(5, peers)
    expect(scheduled).toHaveLength(1)
    for (let at = 0; at < 11; at++) passing.acknowledge(`peer ${at}`, 5)
    expect(scheduled).toHaveLength(1)
    passing.acknowledge('peer 11', 5)
    expect(scheduled).toHaveLength(2)
    // Nothing is computed for those who were released before.
    passing.acknowledge('peer 0', 5)
    passing.acknowledge('somebody', 5)
    expect(scheduled).toHaveLength(2)
  })

  it('has not passed where a clock calls a little before its time', async () => {
    const clock = new TestClock()
    const passing = new Passing<string>({
      monotonic: () => clock.monotonic(),
      wall: () => clock.wall(),
      after: (milliseconds, call) => clock.after(milliseconds > 1 ? milliseconds - 1 : milliseconds, call),
    })
    passing.wait(5, new Map([['a', clock.now + 100]]))
    await clock.pass(99)
    expect(passing.hasPassed(5)).toBe(false)
    await clock.pass(1)
    expect(passing.hasPassed(5)).toBe(true)
  })

  it('is acknowledged though one above it waits longer', () => {
    const { passing, wait } = open()
    void passing.whenLapsed(new Map([['a', 1_000_000]]))
    wait(5, { a: 1000 })
    expect(passing.hasPassed(5)).toBe(false)
    passing.acknowledge('a', 5)
    expect([passing.hasPassed(5), passing.hasPassed(Number.MAX_VALUE)]).toEqual([true, false])
  })

  it('keeps no timer once it has passed', async () => {
    const { clock, passing, passed, wait, note } = open()
    wait(5, { a: 100 })
    passing.acknowledge('a', 5)
    wait(6, { b: 1000 })
    note('six', 6)
    await clock.pass(500)
    expect(passed).toEqual([])
    passing.release('b')
    expect(passed).toEqual(['six'])
  })

  it('does not change with the map that was handed over', () => {
    const { clock, passing } = open()
    const waiting = new Map([['a', clock.now + 100]])
    passing.wait(5, waiting)
    waiting.clear()
    expect(passing.waitingAt(5)).toEqual(['a'])
  })
})

describe('the end of all freshness', () => {
  it('comes at once where nobody may be fresh', async () => {
    const { passing } = open()
    await expect(passing.whenLapsed(new Map())).resolves.toBeUndefined()
  })

  it('comes when all were released or their time is over, and no acknowledgement hastens it', async () => {
    const { clock, passing, wait } = open()
    wait(5, { a: 50 })
    let isOver = false
    void passing
      .whenLapsed(
        new Map([
          ['a', clock.now + 100],
          ['b', clock.now + 200],
        ]),
      )
      .then(() => {
        isOver = true
      })
    passing.acknowledge('a', 9)
    passing.acknowledge('b', 9)
    passing.release('b')
    await clock.pass(99)
    expect(isOver).toBe(false)
    await clock.pass(1)
    expect(isOver).toBe(true)
  })
})
