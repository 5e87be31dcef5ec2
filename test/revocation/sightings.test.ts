import { describe, expect, it } from '@jest/globals'
import { clockRate, systemClock } from '../../src/revocation/clock.ts'
import { Sightings } from '../../src/revocation/sightings.ts'
import { isVisible } from '../../src/revocation/snapshot.ts'

describe('a row of nodes', () => {
  const leaseMs = 1000
  const longest = leaseMs * clockRate
  const row = (id: string, beat: string) => ({ id, beat })

  it('is silent when its beat stood still for the longest lease, by clocks that run 5 % apart', () => {
    expect(clockRate).toBe(1.05)
    const sightings = new Sightings()
    const see = (rows: { id: string; beat: string }[], now: number) =>
      sightings.see(rows, now, leaseMs).map(({ id }) => id)
    expect(see([row('a', '1'), row('b', '1')], 5000)).toEqual([])
    expect(see([row('a', '1'), row('b', '1')], 5000 + longest - 1)).toEqual([])
    expect(see([row('a', '1'), row('b', '2')], 5000 + longest)).toEqual(['a'])
    // Seen for the first time with the new beat just now.
    expect(see([row('a', '2'), row('b', '2')], 5000 + 2 * longest - 1)).toEqual([])
    expect(see([row('a', '2'), row('b', '2')], 5000 + 2 * longest)).toEqual(['b'])
  })

  it('that was away and is back is seen for the first time', () => {
    const sightings = new Sightings()
    sightings.see([row('a', '1')], 0, leaseMs)
    sightings.see([], 1, leaseMs)
    expect(sightings.see([row('a', '1')], 9000, leaseMs)).toEqual([])
    expect(sightings.see([row('a', '1')], 9000 + longest, leaseMs)).toEqual([row('a', '1')])
  })
})

describe('a transaction', () => {
  it.each([
    ['9', '10:20:', true],
    ['10', '10:20:', true],
    ['10', '10:20:10', false],
    ['19', '10:20:10,15', true],
    ['15', '10:20:10,15', false],
    ['5', '10:20:10,15', true],
    ['20', '10:20:', false],
    ['21', '10:20:', false],
    ['9007199254740993', '9007199254740993:9007199254740994:', true],
    ['9007199254740993', '9007199254740992:9007199254740994:9007199254740992', true],
    ['9007199254740992', '9007199254740992:9007199254740994:9007199254740992', false],
    ['10', '10:10:', false],
  ])('%s is visible in the snapshot %s: %p', (xid, snapshot, visible) => {
    expect(isVisible(xid, snapshot)).toBe(visible)
  })
})

describe('the clock of the system', () => {
  it('calls not before its time, at once for a time that is over, and not at all once that was cancelled', async () => {
    const called: string[] = []
    const began = performance.now()
    systemClock.after(-5, () => called.push('over'))
    systemClock.after(1, () => called.push('cancelled'))()
    await new Promise<void>(resolve => {
      systemClock.after(20, resolve)
    })
    expect(performance.now() - began).toBeGreaterThan(18)
    expect(called).toEqual(['over'])
  })

  it('has a time that never steps, and one that people read', () => {
    expect(Math.abs(systemClock.monotonic() - performance.now())).toBeLessThan(1000)
    expect(Math.abs(systemClock.wall() - Date.now())).toBeLessThan(1000)
  })
})
