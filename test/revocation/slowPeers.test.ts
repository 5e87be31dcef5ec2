import { describe, expect, it } from '@jest/globals'
import { Allowance } from '../../src/revocation/allowance.ts'
import { openGate } from '../../src/revocation/gate.ts'
import { grantAfterPauses } from '../../src/revocation/slowPeers.ts'

describe('an allowance', () => {
  /** How many may be taken at once. */
  const taken = (allowance: Allowance, now: number) => {
    let count = 0
    while (count < 100 && allowance.take(now)) count++
    return count
  }

  it('is used up at once, and given back by time up to its most', () => {
    const allowance = new Allowance(3, 0.5, 1000)
    expect(taken(allowance, 1000)).toBe(3)
    expect(allowance.take(1001)).toBe(false)
    expect(allowance.take(1002)).toBe(true)
    expect(taken(allowance, 1006)).toBe(2)
    expect(taken(allowance, 9000)).toBe(3)
  })

  it('is given back nothing by a clock that goes back, and everything from then on', () => {
    const allowance = new Allowance(2, 1, 1000)
    expect(taken(allowance, 1000)).toBe(2)
    expect(taken(allowance, 500)).toBe(0)
    expect(taken(allowance, 501)).toBe(1)
  })

  it('may be added to beyond its most, up to another bound, and time takes nothing of that', () => {
    const allowance = new Allowance(1, 1, 0)
    for (let count = 0; count < 9; count++) allowance.add(4)
    expect(taken(allowance, 1000)).toBe(4)
    allowance.add(4)
    expect(taken(allowance, 1000)).toBe(1)
    const other = new Allowance(5, 1, 0)
    other.add(2)
    expect(taken(other, 0)).toBe(5)
  })

  it('of less than one allows nothing', () => {
    const allowance = new Allowance(0.5, 0, 0)
    expect(allowance.take(100)).toBe(false)
    allowance.add(1)
    expect(taken(allowance, 100)).toBe(1)
  })
})

describe('a verifier that was slow', () => {
  it('gets no ages for a pause, and until it has acknowledged what it owes', () => {
    const peer = grantAfterPauses()
    expect([peer.mayHaveAge(0, 0), peer.wasSlow()]).toEqual([true, false])
    peer.isSlow(1_000_000, 7)
    expect(peer.wasSlow()).toBe(true)
    expect([peer.mayHaveAge(1_000_999, 7), peer.mayHaveAge(1_001_000, 6)]).toEqual([false, false])
    expect(peer.mayHaveAge(1_001_000, 7)).toBe(true)
  })

  it('pauses twice as long each time, a minute at most', () => {
    const peer = grantAfterPauses()
    const pauses: number[] = []
    let now = 1_000_000
    for (let times = 0; times < 8; times++) {
      peer.isSlow(now, 0)
      let pause = 0
      while (!peer.mayHaveAge(now + pause, 0)) pause += 500
      pauses.push(pause)
      now += pause
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  })

  it('pauses no longer where it is told once more of the same slowness, but owes the latest', () => {
    const peer = grantAfterPauses()
    peer.isSlow(1_000_000, 1)
    peer.isSlow(1_000_500, 9)
    expect([peer.mayHaveAge(1_001_000, 8), peer.mayHaveAge(1_001_000, 9)]).toEqual([false, true])
    peer.isSlow(1_001_000, 9)
    expect([peer.mayHaveAge(1_002_999, 9), peer.mayHaveAge(1_003_000, 9)]).toEqual([false, true])
  })

  it('is forgiven after two minutes without a complaint', () => {
    const after = (quiet: number) => {
      const peer = grantAfterPauses()
      peer.isSlow(1_000_000, 0)
      const now = 1_001_000 + quiet
      peer.isSlow(now, 0)
      return [peer.mayHaveAge(now + 1000, 0), peer.mayHaveAge(now + 2000, 0)]
    }
    expect([after(120_000), after(120_001)]).toEqual([
      [false, true],
      [true, true],
    ])
  })
})

it('A gate that is open lets everything pass at once', async () => {
  const called: string[] = []
  openGate.whenPassed(7, () => called.push('now'))
  expect([called, openGate.position]).toEqual([['now'], 0])
  await expect(openGate.close()).resolves.toBeUndefined()
})
