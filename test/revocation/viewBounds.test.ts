import { expect, test } from '@jest/globals'
import { type Revocation, RevocationView, revocationKeptMs } from '../../src/revocation/view.ts'

/* The edges of what the view remembers: the moment, the number, and the version. */

const now = Date.parse('2030-01-01T00:00:00Z')
const claims = { sub: 'ada', sid: 'laptop', ver: 3, epoch: 5 }
const ended: Revocation = { kind: 'session', subject: 'laptop', reason: 'LOGGED_OUT', revokedAt: now }

function viewOf(...revocations: Revocation[]): RevocationView {
  const view = new RevocationView()
  view.apply(revocations, now)
  return view
}

test('an entry is forgotten at the moment when its time is over, not before', () => {
  const view = viewOf(ended)
  view.apply([], now + revocationKeptMs - 1)
  expect(view.size.sessions).toBe(1)
  view.apply([], now + revocationKeptMs)
  expect(view.size.sessions).toBe(0)
})

test('without the time of the database nothing is forgotten', () => {
  const view = viewOf(ended)
  view.apply([])
  expect(view.size.sessions).toBe(1)
})

test('a row of a user or a session that names none adds nothing', () => {
  const { subject: _, ...nobody } = ended
  expect(viewOf(nobody, { ...nobody, kind: 'user' }).size).toEqual({ users: 0, sessions: 0 })
})

test('of two rows with one version the first one gives the reason', () => {
  expect(viewOf(ended, { ...ended, reason: 'SESSION_REVOKED' }).verdict(claims)).toBe('LOGGED_OUT')
})

test('a call looks at 1000 old entries, and at two more for each new one', () => {
  const rows = Array.from({ length: 6000 }, (_, at): Revocation => ({ ...ended, subject: `${at}` }))
  const view = viewOf(...rows)
  const later = now + revocationKeptMs
  view.apply([], later)
  expect(view.size.sessions).toBe(5000)
  view.apply([{ ...ended, revokedAt: later }], later)
  expect(view.size.sessions).toBe(5000 - 1002 + 1)
})
