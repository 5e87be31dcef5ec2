import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { transact } from '../../src/database/transact.ts'
import {
  beginPasskey,
  beginPasskeyLogin,
  beginViewersPasskey,
  findPasskeys,
  type PasskeyOptions,
} from '../../src/sessions/beginPasskey.ts'
import { checkPasskey, type PasskeyProof, type WantedPasskey } from '../../src/sessions/checkPasskey.ts'
import { askForFactor } from '../../src/sessions/factorChallenge.ts'
import { readCredentials } from '../../src/sessions/readCredentials.ts'
import {
  type AssertionTampering,
  type Challenge,
  deviceBound,
  flag,
  generateKey,
  synced,
} from '../support/authenticator.ts'
import { mailsTo } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'
import { challengeFor, givePasskey, type HeldPasskey, passkeyRow, spentSeconds } from './heldPasskey.ts'
import { laptop, type NotedParts, noDatabase, noteParts, passkeyInvalid, toldOf } from './notedParts.ts'
import { eventsOf, makePerson, type Person, setUser, visitorOf } from './person.ts'

/*
 * What a passkey proves, and what is written and told of it, without requests. A sign-in by it: passkeySignIn.test.ts.
 * Over HTTP: factors/passkeyLogin.test.ts. Step by step of WebAuthn: factors/webauthn.test.ts.
 */

const server = useServer()
let ada: Person
let bob: Person
let key: HeldPasskey
beforeEach(async () => {
  ada = await makePerson(server)
  bob = await makePerson(server)
  key = await givePasskey(server, ada.userId)
})

const ask = (bound: string, ageSeconds = 0) => challengeFor(server, bound, ageSeconds)

/** Whether a challenge was made for a purpose. */
const isFor = ({ id, options }: PasskeyOptions, bound: string) => {
  const { passkeyChallenges, clock } = server.auth.parts
  return passkeyChallenges
    .open(id, 'webauthn.get', bound, clock.now())
    .is((options as { challenge: string }).challenge)
}
const common = { rpId: 'localhost', challenge: expect.stringMatching(/^[\w-]{43}$/), timeout: 300_000 }
const hint = ({ credentialId }: HeldPasskey, transports = ['internal', 'hybrid']) => ({
  ...{ id: credentialId, type: 'public-key', transports },
})

describe('the options', () => {
  it('to sign in are the same for everybody, want a verified user, and cost no query', async () => {
    const begun = await beginPasskeyLogin(noteParts(server, { db: noDatabase }).parts)
    expect(begun.id).toMatch(/^[\w-]{27}$/)
    expect(begun.options).toEqual({ ...common, allowCredentials: [], userVerification: 'required' })
    expect(isFor(begun, 'sign-in')).toBe(true)
    expect(isFor(await beginPasskeyLogin(noteParts(server).parts), '')).toBe(false)
  })

  it('in a session are of the viewer’s passkeys, and prefer a verified user', async () => {
    // A user with factors has no sign-in without one.
    const { viewer } = await bob.signIn()
    const held = await givePasskey(server, bob.userId)
    const begun = await beginViewersPasskey(noteParts(server).parts, viewer)
    expect(begun.options).toEqual({
      ...common,
      allowCredentials: [hint(held)],
      userVerification: 'preferred',
    })
    expect(isFor(begun, `session ${viewer.sessionId}`)).toBe(true)
    expect(isFor(begun, 'sign-in')).toBe(false)
  })

  it('of a login that waits are of its user’s passkeys, and made for it alone', async () => {
    const { parts } = server.auth
    const challengeOf = async ({ userId }: Person) => {
      const checked = await readCredentials(parts.db, { id: userId })
      if (checked === undefined) throw new Error('There is no such user.')
      return String((await askForFactor(parts.db, checked)).details.challenge)
    }
    const challenge = await challengeOf(ada)
    const opened = noteParts(server)
    const begun = await beginPasskey(opened.parts, visitorOf(), { challenge })
    expect(begun.options).toEqual({ ...common, allowCredentials: [hint(key)], userVerification: 'preferred' })
    const [row] = await server.rows<{ id: string }>(
      sql`select id from annul.factor_challenges where user_id = ${ada.userId}`,
    )
    expect(isFor(begun, `login ${row?.id}`)).toBe(true)
    const ofBob = await beginPasskey(opened.parts, visitorOf(), { challenge: await challengeOf(bob) })
    expect(ofBob.options).toMatchObject({ allowCredentials: [] })
    expect(isFor(ofBob, `login ${row?.id}`)).toBe(false)
    expect(opened.noted).toEqual([])
  })

  it('are refused where no login waits, which is charged as a token', async () => {
    const opened = noteParts(server)
    const visitor = visitorOf()
    expect(await toldOf(beginPasskey(opened.parts, visitor, { challenge: 'A'.repeat(43) }))).toEqual({
      ...{ code: 'BAD_USER_INPUT', argument: 'challenge', reason: 'CHALLENGE_INVALID' },
    })
    expect(opened.noted).toEqual([[visitor, 'token', {}]])
  })

  it('have the passkeys that count, the oldest first', async () => {
    const [low, high, highest] = [randomUUID(), randomUUID(), randomUUID()].sort()
    const later = await givePasskey(server, bob.userId, { id: high ?? '', ageMinutes: 5 })
    const first = await givePasskey(server, bob.userId, {
      id: highest ?? '',
      ageMinutes: 9,
      transports: null,
    })
    const sooner = await givePasskey(server, bob.userId, { id: low ?? '', ageMinutes: 5 })
    await givePasskey(server, bob.userId, { isConfirmed: false })
    const another = await givePasskey(server, bob.userId)
    const nameless = await givePasskey(server, bob.userId)
    await server.rows(sql`update annul.factors set kind = 'TOTP' where id = ${another.factorId}`)
    await server.rows(sql`update annul.factors set credential_id = null where id = ${nameless.factorId}`)
    const transports = ['internal', 'hybrid']
    expect(await findPasskeys(server.auth.parts.db, bob.userId)).toEqual([
      { credentialId: first.credentialId, transports: [] },
      { credentialId: sooner.credentialId, transports },
      { credentialId: later.credentialId, transports },
    ])
  })
})

const bound = 'session of a test'
const argument = 'input.passkey'
/** A proof beside another factor: whose passkey it must be is known. */
const beside = ({ userId }: Person = ada): WantedPasskey => ({
  ...{ userId, boundTo: bound, argument, userVerification: false },
})
/** A proof that stands alone. */
const alone = (): WantedPasskey => ({ boundTo: bound, argument, userVerification: true })
const spend = (proof: PasskeyProof) => transact(server.auth.parts, tx => proof.spend(tx))
const prove = (answer: { id: string; response: unknown }, wanted = beside()) =>
  checkPasskey(server.auth.parts, visitorOf(), answer, wanted)

describe('a proof by a passkey', () => {
  it.each([
    ['that is synchronised', synced, ['swk', 'user', 'mfa']],
    ['that stays in its device', deviceBound, ['hwk', 'user', 'mfa']],
  ])('%s is its factor, its methods, and its user of this instant', async (_, flags, amr) => {
    // A reset of the factors that waits is stopped by whoever uses one.
    await setUser(server, ada.userId, sql`factors_end_at = now() - interval '1 minute'`)
    const held = await givePasskey(server, ada.userId, { flags })
    const { factorId, checked, ...proof } = await prove(held.answer(ask(bound)))
    expect({ factorId, amr: proof.amr }).toEqual({ factorId: held.factorId, amr })
    const read = await readCredentials(server.auth.parts.db, { id: ada.userId })
    expect(read).toMatchObject({ hasFactors: true, isResetDue: true })
    expect(checked).toEqual({ ...read, isResetDue: false, readAt: expect.any(Number) })
    expect(Math.abs(checked.readAt - (read?.readAt ?? 0))).toBeLessThan(60)
  })

  it('writes nothing before it is spent', async () => {
    const challenge = ask(bound)
    const before = await passkeyRow(server, key.factorId)
    expect(before?.used_seconds_ago).toBeNull()
    const opened = noteParts(server)
    await checkPasskey(opened.parts, visitorOf(), key.answer(challenge), beside())
    expect(await passkeyRow(server, key.factorId)).toEqual(before)
    expect(await spentSeconds(server, challenge.id)).toBeUndefined()
    expect([opened.noted, opened.causes, await eventsOf(server, ada.userId)]).toEqual([[], [], []])
  })

  it('that is spent notes the counter, the backup, the time and the challenge', async () => {
    const other = await givePasskey(server, ada.userId)
    const challenge = ask(bound)
    await spend(await prove(key.answer(challenge, { flags: synced & ~flag.BS })))
    const row = await passkeyRow(server, key.factorId)
    expect(row).toMatchObject({ counter: 6, backed_up: false, uv_initialized: true })
    expect(row?.used_seconds_ago).toBeGreaterThanOrEqual(0)
    expect(row?.used_seconds_ago).toBeLessThan(60)
    const seconds = await spentSeconds(server, challenge.id)
    expect(seconds).toBeGreaterThan(200)
    expect(seconds).toBeLessThan(310)
    expect(await passkeyRow(server, other.factorId)).toMatchObject({ counter: 5, used_seconds_ago: null })
    await spend(await prove(key.answer(ask(bound))))
    expect(await passkeyRow(server, key.factorId)).toMatchObject({ counter: 7, backed_up: true })
  })

  it.each([
    ['the first time beside another factor', false, true, true, true],
    ['the first time, and of a row without the column', null, true, true, true],
    ['never', false, false, true, false],
    ['never, and of a row without the column', null, false, true, false],
    ['before, and not now', true, false, true, true],
    ['the first time, and beside nothing', false, true, false, false],
  ])('whose authenticator verified its user %s is noted so', async (_, was, isVerified, isKnown, becomes) => {
    const held = await givePasskey(server, ada.userId, { uvInitialized: was })
    const flags = isVerified ? synced : synced & ~flag.UV
    const wanted = { ...alone(), userVerification: false, ...(isKnown && { userId: ada.userId }) }
    await spend(await prove(held.answer(ask(bound), { flags }), wanted))
    expect(await passkeyRow(server, held.factorId)).toMatchObject({ uv_initialized: becomes })
  })

  it('names its user, unless the user is known', async () => {
    const answer = (userHandle: Buffer | null) => key.answer(ask(bound), { userHandle })
    const handleOf = ({ userId }: Person) => Buffer.from(userId.replaceAll('-', ''), 'hex')
    expect(await toldOf(prove(answer(null)))).toBe('accepted')
    expect(await toldOf(prove(answer(handleOf(ada)), alone()))).toBe('accepted')
    for (const [wanted, handle] of [
      [alone(), null],
      [alone(), handleOf(bob)],
      [beside(), handleOf(bob)],
    ] as const)
      expect(await toldOf(prove(answer(handle), wanted))).toEqual(passkeyInvalid(argument))
  })

  type Answer = ReturnType<HeldPasskey['answer']>
  const anotherChallenge = 'The challenge is another one, or has expired.'

  it.each<[string, (challenge: Challenge) => Answer, string]>([
    ['garbage', ({ id }) => ({ id, response: 'passkey' }), 'The response has another form.'],
    [
      'of another type',
      challenge => key.answer(challenge, { clientData: { type: 'webauthn.create' } }),
      'The client data is of another type.',
    ],
    ['to the challenge of a sign-in', () => key.answer(ask('sign-in')), anotherChallenge],
    ['to another challenge', mine => ({ ...key.answer(mine), id: ask(bound).id }), anotherChallenge],
    ['too late', () => key.answer(ask(bound, 301)), anotherChallenge],
    [
      'from a foreign page',
      challenge => key.answer(challenge, { clientData: { origin: 'https://evil.example' } }),
      'The origin is not an expected one (ANNUL_PUBLIC_URL, ANNUL_ALLOWED_ORIGINS).',
    ],
  ])('that is %s is refused without a query', async (_, answerTo, cause) => {
    const opened = noteParts(server, { db: noDatabase })
    const checked = checkPasskey(opened.parts, visitorOf(), answerTo(ask(bound)), beside())
    expect(await toldOf(checked)).toEqual(passkeyInvalid(argument))
    expect(opened.causes).toEqual([cause])
  })

  const change = (set: SQL) => server.rows(sql`update annul.factors set ${set} where id = ${key.factorId}`)
  const removeKey = () => server.rows(sql`delete from annul.factors where id = ${key.factorId}`)
  const anotherKey = generateKey('ES256').privateKey
  const noPasskey = 'The user has no such passkey.'
  const wrong = 'The signature is not right.'
  const unverified = 'User verification required, but user could not be verified'
  const neverVerified = 'The passkey has never verified its user beside another factor.'

  it.each<[string, () => unknown, () => WantedPasskey, AssertionTampering, string]>([
    ['whose passkey is gone', removeKey, beside, {}, noPasskey],
    ['whose passkey is gone, alone', removeKey, alone, {}, noPasskey],
    ['whose passkey is not confirmed', () => change(sql`confirmed_at = null`), alone, {}, noPasskey],
    ['whose passkey is another user’s', () => {}, () => beside(bob), {}, noPasskey],
    ['with a wrong signature', () => {}, beside, { key: anotherKey }, wrong],
    ['with a wrong signature and a lower counter', () => {}, beside, { key: anotherKey, counter: 1 }, wrong],
    ['without a verified user, alone', () => {}, alone, { flags: synced & ~flag.UV }, unverified],
    [
      'of a key that never verified its user, alone (7.2, step 24)',
      ...([() => change(sql`uv_initialized = false`), alone, {}, neverVerified] as const),
    ],
    [
      'of a key whose row is older than the column, alone',
      ...([() => change(sql`uv_initialized = null`), alone, {}, neverVerified] as const),
    ],
    [
      'of a key that never verified its user, and whose counter is lower',
      ...([() => change(sql`uv_initialized = false`), alone, { counter: 1 }, neverVerified] as const),
    ],
  ])('%s is refused, and nothing is written', async (_, prepare, wanted, tampering, cause) => {
    await prepare()
    const before = await passkeyRow(server, key.factorId)
    const challenge = ask(bound)
    const opened = noteParts(server)
    const checked = checkPasskey(opened.parts, visitorOf(), key.answer(challenge, tampering), wanted())
    expect(await toldOf(checked)).toEqual(passkeyInvalid(argument))
    expect([opened.causes, opened.noted]).toEqual([[cause], []])
    expect(await passkeyRow(server, key.factorId)).toEqual(before)
    expect(await spentSeconds(server, challenge.id)).toBeUndefined()
    expect([await eventsOf(server, ada.userId), await mailsTo(server, ada.email)]).toEqual([[], []])
  })

  it.each(['public_key', 'counter', 'backup_eligible'])(
    'by a row without %s is a failure, and no refusal',
    async column => {
      await change(sql`${sql.identifier(column)} = null`)
      expect(await toldOf(prove(key.answer(ask(bound))))).toBe('A passkey lacks a column.')
    },
  )

  it('is taken once, and sent again it is no sign of a copy', async () => {
    const answer = key.answer(ask(bound))
    const [proof, again] = [await prove(answer), await prove(answer)]
    await spend(proof)
    for (const late of [proof, again]) expect(await toldOf(spend(late))).toEqual(passkeyInvalid(argument))
    const opened = noteParts(server)
    const sentAgain = checkPasskey(opened.parts, visitorOf(), answer, beside())
    expect(await toldOf(sentAgain)).toEqual(passkeyInvalid(argument))
    expect([opened.causes, opened.noted]).toEqual([['The challenge was used already.'], []])
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it.each<[string, () => Promise<unknown>]>([
    ['was removed', removeKey],
    ['became another user’s', () => change(sql`user_id = ${bob.userId}`)],
  ])('whose passkey %s meanwhile can’t be spent', async (_, meanwhile) => {
    const challenge = ask(bound)
    const proof = await prove(key.answer(challenge))
    await meanwhile()
    const before = await passkeyRow(server, key.factorId)
    expect(await toldOf(spend(proof))).toEqual(passkeyInvalid(argument))
    expect(await passkeyRow(server, key.factorId)).toEqual(before)
    expect(await spentSeconds(server, challenge.id)).toBeUndefined()
  })

  it('whose challenge expired meanwhile can’t be spent', async () => {
    const { clock } = server.auth.parts
    // The challenge has ended by the database's clock, and not by the node's, which is a minute behind.
    const opened = noteParts(server, { clock: { ...clock, now: () => clock.now() - 60 } })
    const proof = await checkPasskey(opened.parts, visitorOf(), key.answer(ask(bound, 301)), beside())
    expect(await toldOf(spend(proof))).toEqual(passkeyInvalid(argument))
    expect(await passkeyRow(server, key.factorId)).toMatchObject({ counter: 5, used_seconds_ago: null })
  })
})

describe('the counter', () => {
  it.each([
    [0, 0],
    [0, 1],
    [5, 6],
    [5, 900],
  ])('that was %i may be %i now', async (counter, said) => {
    const held = await givePasskey(server, ada.userId, { counter })
    const opened = noteParts(server)
    const answer = held.answer(ask(bound), { counter: said })
    await spend(await checkPasskey(opened.parts, visitorOf(), answer, beside()))
    expect(await passkeyRow(server, held.factorId)).toMatchObject({ counter: said })
    expect([opened.noted, opened.causes, await eventsOf(server, ada.userId)]).toEqual([[], [], []])
  })

  it.each([
    [5, 5],
    [5, 4],
    [5, 0],
    [1, 1],
  ])('that was %i is refused where it is %i, and its owner is told of a copy', async (counter, said) => {
    await setUser(server, ada.userId, sql`email_verified = true`)
    const held = await givePasskey(server, ada.userId, { counter })
    const opened = noteParts(server)
    const answer = held.answer(ask(bound), { counter: said })
    expect(await toldOf(checkPasskey(opened.parts, visitorOf(), answer, beside()))).toEqual(
      passkeyInvalid(argument),
    )
    expect(opened.causes).toEqual(['The counter has not risen, as if the passkey was copied.'])
    expect(opened.noted).toEqual([['passkey-cloned', ada.email]])
    const detail = `the counter was ${counter}, and ${said} was sent`
    expect(await eventsOf(server, ada.userId)).toEqual([
      { kind: 'passkey-cloned', actor: null, session: null, detail, ...laptop },
    ])
    expect(await mailsTo(server, ada.email)).toMatchObject([
      {
        ...{ kind: 'passkey-cloned', userId: ada.userId },
        detail: { ipAddress: laptop.address, device: laptop.device },
      },
    ])
    expect(await passkeyRow(server, held.factorId)).toMatchObject({ counter, used_seconds_ago: null })
  })

  it('that is too low is told by an event alone, where the owner has had many mails, or no address', async () => {
    const refuse = async (opened: NotedParts) => {
      const answer = key.answer(ask(bound), { counter: 5 })
      expect(await toldOf(checkPasskey(opened.parts, visitorOf(), answer, beside()))).toEqual(
        passkeyInvalid(argument),
      )
    }
    await refuse(noteParts(server, {}, { warns: false }))
    await setUser(server, ada.userId, sql`email = null, email_key = null`)
    const opened = noteParts(server)
    await refuse(opened)
    expect(opened.noted).toEqual([['passkey-cloned', '']])
    expect(await eventsOf(server, ada.userId)).toMatchObject([
      { kind: 'passkey-cloned' },
      { kind: 'passkey-cloned' },
    ])
    expect(await mailsTo(server, ada.email)).toEqual([])
  })

  it.each([
    ['6, where 7 was before it', 5, 7, 6],
    ['7, where 7 was before it', 5, 7, 7],
    ['0, where a counter begins', 0, 1, 0],
  ])(
    'of two answers at once may come second with %s: refused, and no sign of a copy',
    async (_, was, one, other) => {
      const held = await givePasskey(server, ada.userId, { counter: was })
      const late = ask(bound)
      const opened = noteParts(server)
      const check = (challenge: Challenge, counter: number) =>
        checkPasskey(opened.parts, visitorOf(), held.answer(challenge, { counter }), beside())
      const [first, second] = [await check(ask(bound), one), await check(late, other)]
      await spend(first)
      expect(await toldOf(spend(second))).toEqual(passkeyInvalid(argument))
      expect(await passkeyRow(server, held.factorId)).toMatchObject({ counter: one })
      expect(await spentSeconds(server, late.id)).toBeUndefined()
      expect([opened.noted, opened.causes, await eventsOf(server, ada.userId)]).toEqual([[], [], []])
    },
  )

  it('of two answers at once may rise twice, or stay 0', async () => {
    for (const [counter, one, other] of [
      [5, 6, 7],
      [0, 0, 0],
    ] as const) {
      const held = await givePasskey(server, ada.userId, { counter })
      const proofOf = (said: number) => prove(held.answer(ask(bound), { counter: said }))
      const [first, second] = [await proofOf(one), await proofOf(other)]
      await spend(first)
      await spend(second)
      expect(await passkeyRow(server, held.factorId)).toMatchObject({ counter: other })
    }
  })
})
