import { expect, it } from '@jest/globals'
import { Tally } from '../../src/limits/tally.ts'
import { heapInUse } from '../support/heap.ts'

it('A tally counts what is open in all and by its owner, until it is closed', () => {
  const tally = new Tally()
  expect([tally.all, tally.of('one')]).toEqual([0, 0])
  for (const owner of ['one', 'other', 'one']) tally.add(owner)
  expect([tally.all, tally.of('one'), tally.of('other'), tally.of('third')]).toEqual([3, 2, 1, 0])
  tally.remove('one')
  expect([tally.all, tally.of('one')]).toEqual([2, 1])
  tally.remove('one')
  tally.remove('other')
  expect([tally.all, tally.of('one'), tally.of('other')]).toEqual([0, 0, 0])
  tally.add('one')
  expect(tally.of('one')).toBe(1)
})

it('A tally keeps nothing of an owner who has nothing open: a flood of addresses takes no memory', () => {
  const tally = new Tally()
  const before = heapInUse()
  for (let count = 0; count < 200_000; count++) {
    tally.add(`2001:db8::${count.toString(16)}`)
    tally.remove(`2001:db8::${count.toString(16)}`)
  }
  // Each kept owner would take more than 50 bytes.
  expect(heapInUse() - before).toBeLessThan(4_000_000)
  expect(tally.all).toBe(0)
})
