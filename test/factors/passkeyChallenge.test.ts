import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { challengeSeconds, passkeyChallenges } from '../../src/factors/passkeyChallenge.ts'
import { purge } from '../../src/housekeeping.ts'
import { useServer } from '../support/server.ts'

const [secret, next] = [randomBytes(32), randomBytes(32)]
const bound = 'session 0b2d6a2e-0000-4000-8000-000000000000'
const text = (challenge: Uint8Array) => Buffer.from(challenge).toString('base64url')

describe('A challenge of WebAuthn', () => {
  const challenges = passkeyChallenges(secret)

  it('counts for its ceremony, its binding and five minutes', () => {
    const { id, challenge } = challenges.make('webauthn.get', bound, 1000.9)
    const isRight = (...of: Parameters<typeof challenges.open>) => challenges.open(...of).is(text(challenge))
    expect(challenge).toHaveLength(32)
    expect(isRight(id, 'webauthn.get', bound, 1000.9)).toBe(true)
    expect(isRight(id, 'webauthn.get', bound, 1000 + challengeSeconds - 0.1)).toBe(true)
    expect(isRight(id, 'webauthn.get', bound, 1000 + challengeSeconds)).toBe(false)
    expect(isRight(id, 'webauthn.create', bound, 1001)).toBe(false)
    expect(isRight(id, 'webauthn.get', 'sign-in', 1001)).toBe(false)
    expect(challenges.open(id, 'webauthn.get', bound, 1001).expiresAt).toEqual(
      new Date((1000 + challengeSeconds) * 1000),
    )
  })

  it('is another one each time (ASVS 5.0 6.7.2)', () => {
    const made = Array.from({ length: 100 }, () => challenges.make('webauthn.get', 'sign-in', 1000))
    expect(new Set(made.map(({ id }) => id)).size).toBe(100)
    expect(new Set(made.map(({ challenge }) => text(challenge))).size).toBe(100)
  })

  it('outlives a change of the secret, and nothing of another secret is taken', () => {
    const { id, challenge } = challenges.make('webauthn.get', bound, 1000)
    const changed = passkeyChallenges(next, secret)
    expect(changed.open(id, 'webauthn.get', bound, 1001).is(text(challenge))).toBe(true)
    expect(passkeyChallenges(next).open(id, 'webauthn.get', bound, 1001).is(text(challenge))).toBe(false)
    // Made under the present one.
    const made = changed.make('webauthn.get', bound, 1000)
    const present = passkeyChallenges(next).open(made.id, 'webauthn.get', bound, 1001)
    expect(present.is(text(made.challenge))).toBe(true)
  })

  it.each(['', 'A', 'not base64url!', 'A'.repeat(26), 'A'.repeat(28), '\u0000', 'é'.repeat(27)])(
    'is none of the id %j',
    id => {
      const opened = challenges.open(id, 'webauthn.get', bound, 1000)
      for (const challenge of ['', 'A'.repeat(43), 'é'.repeat(43)]) expect(opened.is(challenge)).toBe(false)
    },
  )
})

describe('Housekeeping', () => {
  const server = useServer()

  it('forgets challenges that were used and have expired, a minute later', async () => {
    await server.rows(sql`insert into annul.spent_challenges (id, expires_at) values
      ('old', now() - interval '61 seconds'), ('just', now() - interval '50 seconds'), ('live', now() + interval '1 minute')`)
    await purge(server.auth.parts)
    const kept = await server.rows(sql`select id from annul.spent_challenges order by id`)
    expect(kept).toEqual([{ id: 'just' }, { id: 'live' }])
  })
})
