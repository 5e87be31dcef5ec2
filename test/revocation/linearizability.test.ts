import { expect, test } from '@jest/globals'
import {
  findViolations,
  type RecordedToken,
  type RequestRecord,
  type RevocationRecord,
  type Revoked,
} from '../support/linearizability.ts'

const token: RecordedToken = { user: 'ada', session: 'laptop', version: 3, epoch: 5 }

function request(start: number, end: number, verdict = 'accepted', node = 'a'): RequestRecord {
  return { start, end, node, token, verdict }
}

function revocation(start: number, returned: number | undefined, what: Revoked = session): RevocationRecord {
  return { start, returned, what }
}

const session: Revoked = { kind: 'session', session: 'laptop' }

test('an acceptance that started after the revocation had returned is found', () => {
  const late = request(21, 22)
  const found = findViolations([request(1, 2), late, request(30, 31, 'LOGGED_OUT')], [revocation(10, 20)])
  expect(found).toEqual([{ request: late, revocation: revocation(10, 20) }])
})

test('requests that overlap the revocation may go either way', () => {
  const overlapping = [request(5, 15), request(15, 16), request(19, 40), request(20, 21)]
  expect(findViolations(overlapping, [revocation(10, 20)])).toEqual([])
})

test('a revocation that never returned promised nothing', () => {
  expect(findViolations([request(50, 51)], [revocation(10, undefined)])).toEqual([])
})

test('the revocation that returned first is named, in whatever order they were recorded', () => {
  const [found] = findViolations(
    [request(50, 51)],
    [revocation(30, 40), revocation(31, 35), revocation(1, undefined)],
  )
  expect(found?.revocation.returned).toBe(35)
})

test.each<[boolean, Revoked]>([
  [true, { kind: 'session', session: 'laptop' }],
  [false, { kind: 'session', session: 'phone' }],
  [true, { kind: 'user', user: 'ada', minVersion: 4 }],
  [false, { kind: 'user', user: 'ada', minVersion: 3 }],
  [false, { kind: 'user', user: 'bob', minVersion: 9 }],
  [true, { kind: 'everyone', minEpoch: 6 }],
  [false, { kind: 'everyone', minEpoch: 5 }],
])('it is %s that a token of version 3 and epoch 5 is covered by %j', (covered, what) => {
  expect(findViolations([request(50, 51)], [revocation(1, 2, what)])).toHaveLength(covered ? 1 : 0)
})

test('a node whose view is frozen is found among others', () => {
  const revocations = [revocation(10, 20), revocation(1, 2, { kind: 'user', user: 'bob', minVersion: 2 })]
  const requests = ['a', 'b', 'frozen'].flatMap(node =>
    [5, 15, 25, 35].map(start =>
      request(start, start + 1, start < 15 || node === 'frozen' ? 'accepted' : 'LOGGED_OUT', node),
    ),
  )
  const found = findViolations(requests, revocations)
  expect(found.map(({ request: { node, start } }) => [node, start])).toEqual([
    ['frozen', 25],
    ['frozen', 35],
  ])
})
