import { expect, it } from '@jest/globals'
import { type Revocation, RevocationView } from '../../src/revocation/view.ts'

/* What a view tells of itself: to a verifier that loads it, and to those who ask about keys. */

const at = 1_800_000_000_000
const entry = (kind: Revocation['kind'], subject: string | undefined, minVersion?: number): Revocation => ({
  ...{ kind, subject, minVersion, reason: 'SESSION_REVOKED', revokedAt: at },
})

it('A view tells all that it knows, so that another one refuses the same for as long', () => {
  const view = new RevocationView()
  expect([...view.entries()]).toEqual([])
  view.apply([
    entry('user', 'ada', 3),
    entry('session', 'laptop'),
    entry('key', 'k'),
    entry('everyone', undefined, 2),
  ])
  const told = [...view.entries()]
  const seen = told.map(({ kind, subject, minVersion, reason }) => [kind, subject, minVersion, reason])
  expect(seen).toEqual([
    ['everyone', undefined, 2, 'EVERYTHING_REVOKED'],
    ['key', 'k', undefined, 'KEY_REVOKED'],
    ['user', 'ada', 3, 'SESSION_REVOKED'],
    ['session', 'laptop', expect.anything(), 'SESSION_REVOKED'],
  ])
  // Rounded up to the minute, never down.
  for (const { kind, revokedAt } of told.slice(2)) {
    expect([kind, revokedAt >= at, revokedAt <= at + 60_000]).toEqual([kind, true, true])
  }
  const other = new RevocationView()
  other.apply(told)
  expect([...other.entries()]).toEqual(told)
})

it('A view knows revoked keys for ever, each once, and tells its listeners of what is new alone', () => {
  const view = new RevocationView()
  const heard: number[] = []
  view.subscribe(revocations => heard.push(revocations.length))
  expect([view.isKeyRevoked('k'), view.revokedKeys]).toEqual([false, 0])
  view.apply([entry('key', 'k')])
  expect(heard).toEqual([1])
  view.apply([entry('key', 'k')])
  expect([view.isKeyRevoked('k'), view.isKeyRevoked('other'), view.revokedKeys, heard]).toEqual([
    true,
    false,
    1,
    [1],
  ])
  view.apply([entry('key', 'other'), entry('key', 'k')])
  expect([view.revokedKeys, heard]).toEqual([2, [1, 1]])
  view.apply([entry('everyone', undefined, 2)])
  view.apply([entry('everyone', undefined, 2)])
  expect(heard).toEqual([1, 1, 1])
  view.apply([entry('session', undefined), entry('user', undefined, 2), entry('key', undefined)])
  expect(heard).toEqual([1, 1, 1])
  for (const version of [2, 2, 1]) view.apply([entry('user', 'ada', version), entry('session', 'laptop')])
  expect(heard).toEqual([1, 1, 1, 2])
})
