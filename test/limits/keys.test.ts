import { expect, it } from '@jest/globals'
import { budgetKeys } from '../../src/limits/keys.ts'

const secret = Buffer.alloc(32, 'a secret of 32 bytes in a test. ')

it('The keys of budgets stay the same: an update keeps what is counted', () => {
  const key = budgetKeys(secret)
  expect(key('account', 'ada@example.com').toString('hex')).toBe('c3f6d213623100e1e81805c9a436bf59')
  expect(key('session', 'ada@example.com', 'the id').toString('hex')).toBe('3124d79442f7389d47240f51c86a7f86')
})

it('The key of a budget is 16 bytes of a MAC over all of it, so that it tells nothing and no two are one', () => {
  const key = budgetKeys(secret)
  const keys = [
    key('account', 'a', 'b'),
    key('account', 'a,b'),
    key('account', 'ab'),
    key('account', 'b', 'a'),
    key('address', 'a', 'b'),
    budgetKeys(Buffer.alloc(32, 'another secret of 32 bytes here.'))('account', 'a', 'b'),
  ]
  expect(new Set(keys.map(bytes => bytes.toString('hex'))).size).toBe(keys.length)
  expect(new Set(keys.map(({ length }) => length))).toEqual(new Set([16]))
})
