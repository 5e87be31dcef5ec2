import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Revocation, RevocationView, revocationKeptMs } from '../../src/revocation/view.ts'

const now = Date.parse('2030-01-01T00:00:00Z')
const claims = { sub: 'ada', sid: 'laptop', ver: 3, epoch: 5 }

const ended: Revocation = { kind: 'session', subject: 'laptop', reason: 'LOGGED_OUT', revokedAt: now }
const bumped: Revocation = {
  kind: 'user',
  subject: 'ada',
  minVersion: 4,
  reason: 'PASSWORD_CHANGED',
  revokedAt: now,
}
const everyone: Revocation = { kind: 'everyone', minVersion: 6, reason: 'EVERYTHING_REVOKED', revokedAt: now }

function viewOf(...revocations: Revocation[]): RevocationView {
  const view = new RevocationView()
  view.apply(revocations, now)
  return view
}

test('a token of which nothing is known is good', () => {
  expect(new RevocationView().verdict(claims)).toBeUndefined()
})

test('a token is refused with the reason that ended its session or its user, and no other token is', () => {
  expect(viewOf(ended).verdict(claims)).toBe('LOGGED_OUT')
  expect(viewOf(ended).verdict({ ...claims, sid: 'phone' })).toBeUndefined()
  expect(viewOf(bumped).verdict(claims)).toBe('PASSWORD_CHANGED')
  expect(viewOf(bumped).verdict({ ...claims, sub: 'bob' })).toBeUndefined()
  expect(viewOf(everyone).verdict({ ...claims, sub: 'bob', sid: 'phone' })).toBe('EVERYTHING_REVOKED')
})

test('of several reasons everyone comes before the user, and the user before the session', () => {
  expect(viewOf(ended, bumped, everyone).verdict(claims)).toBe('EVERYTHING_REVOKED')
  expect(viewOf(ended, bumped).verdict(claims)).toBe('PASSWORD_CHANGED')
})

test('a version at or above the known one is accepted, since it was minted after the bump', () => {
  expect(viewOf(bumped).verdict({ ...claims, ver: 4 })).toBeUndefined()
  expect(viewOf(bumped).verdict({ ...claims, ver: 5 })).toBeUndefined()
  expect(viewOf(everyone).verdict({ ...claims, epoch: 6 })).toBeUndefined()
})

test('a claim that is no number is refused as soon as a number is asked for', () => {
  const strange = { ...claims, ver: Number.NaN, epoch: undefined as unknown as number }
  expect(viewOf(everyone).verdict({ ...claims, epoch: strange.epoch })).toBe('EVERYTHING_REVOKED')
  expect(viewOf(bumped).verdict({ ...claims, ver: strange.ver })).toBe('PASSWORD_CHANGED')
})

test('the reason of the highest version counts, in whatever order and however often rows are applied', () => {
  const user = fc.constantFrom('ada', 'bob')
  const revokedAt = fc.integer({ min: now - revocationKeptMs + 60_000, max: now })
  const row = fc.oneof(
    fc.record({ subject: user, minVersion: fc.integer({ min: 1, max: 6 }), revokedAt }).map(
      (drawn): Revocation => ({
        kind: 'user',
        ...drawn,
        // One bump, one reason.
        reason: drawn.minVersion % 2 === 0 ? 'PASSWORD_CHANGED' : 'SESSIONS_REVOKED',
      }),
    ),
    fc
      .record({ subject: fc.constantFrom('laptop', 'phone'), revokedAt })
      .map((drawn): Revocation => ({ kind: 'session', reason: 'LOGGED_OUT', ...drawn })),
    fc
      .record({ minVersion: fc.integer({ min: 1, max: 6 }), revokedAt })
      .map((drawn): Revocation => ({ kind: 'everyone', reason: 'EVERYTHING_REVOKED', ...drawn })),
  )
  const anyClaims = fc.record({
    sub: user,
    sid: fc.constantFrom('laptop', 'phone', 'tablet'),
    ver: fc.integer({ min: 1, max: 7 }),
    epoch: fc.integer({ min: 1, max: 7 }),
  })
  fc.assert(
    fc.property(fc.array(row), fc.array(fc.nat()), anyClaims, (log, order, asked) => {
      const inOrder = viewOf(...log)
      const shuffled = viewOf()
      for (const index of order) shuffled.apply(log.slice(index % (log.length + 1)).reverse(), now)
      shuffled.apply(log, now)
      expect(shuffled.verdict(asked)).toBe(inOrder.verdict(asked))

      const epoch = Math.max(
        0,
        ...log.filter(each => each.kind === 'everyone').map(each => each.minVersion ?? 0),
      )
      const bump = log
        .filter(
          each => each.kind === 'user' && each.subject === asked.sub && (each.minVersion ?? 0) > asked.ver,
        )
        .sort((one, other) => (other.minVersion ?? 0) - (one.minVersion ?? 0))[0]
      const end = log.find(each => each.kind === 'session' && each.subject === asked.sid)
      const expected = asked.epoch < epoch ? 'EVERYTHING_REVOKED' : (bump?.reason ?? end?.reason)
      expect(inOrder.verdict(asked)).toBe(expected)
    }),
  )
})

test('an entry is kept while a token can live that it kills, and forgotten soon after', () => {
  const view = viewOf(ended, bumped)
  view.apply([], now + revocationKeptMs - 1)
  expect(view.verdict(claims)).toBe('PASSWORD_CHANGED')
  expect(view.size).toEqual({ users: 1, sessions: 1 })

  view.apply([], now + revocationKeptMs + 60_000)
  expect(view.size).toEqual({ users: 0, sessions: 0 })
})

test('a user whose version was raised again is remembered from then on', () => {
  const view = viewOf(bumped)
  view.apply([{ ...bumped, minVersion: 5, reason: 'USER_BLOCKED', revokedAt: now + 600_000 }], now + 600_000)
  view.apply([], now + revocationKeptMs + 60_000)
  expect(view.verdict(claims)).toBe('USER_BLOCKED')
})

test('the epoch is never forgotten', () => {
  const view = viewOf(everyone)
  view.apply([], now + 10 * revocationKeptMs)
  expect(view.verdict(claims)).toBe('EVERYTHING_REVOKED')
})

test('forgetting many entries is spread over many calls, and new entries pay for it', () => {
  const view = new RevocationView()
  const rows = (from: number, count: number, revokedAt: number) =>
    Array.from(
      { length: count },
      (_, index): Revocation => ({ ...ended, subject: `${from + index}`, revokedAt }),
    )
  view.apply(rows(0, 20_000, now), now)

  const later = now + revocationKeptMs + 60_000
  view.apply([], later)
  expect(view.size.sessions).toBeGreaterThan(15_000)
  for (let from = 20_000; from < 40_000; from += 1000) view.apply(rows(from, 1000, later), later)
  expect(view.size.sessions).toBe(20_000)
})

test('a subscriber hears of what was applied at once, until it leaves', () => {
  const view = new RevocationView()
  const heard: (readonly Revocation[])[] = []
  const leave = view.subscribe(revocations => heard.push(revocations))
  view.apply([ended], now)
  view.apply([], now)
  leave()
  view.apply([bumped], now)
  expect(heard).toEqual([[ended]])
})
