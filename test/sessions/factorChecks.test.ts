import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { OutageError } from '../../src/database/outage.ts'
import { AuthError, badUserInput } from '../../src/errors.ts'
import type { Parts } from '../../src/parts.ts'
import { checkFactor, checkInput } from '../../src/sessions/checkFactor.ts'
import type { FactorInput, FactorProof } from '../../src/sessions/factorProof.ts'
import { isReasonToTell, noteRefusal } from '../../src/sessions/noteRefusal.ts'
import { reauthenticateWith } from '../../src/sessions/reauthenticateWith.ts'
import { tryFactor } from '../../src/sessions/tryFactor.ts'
import { codeOf, wrongCode } from '../support/factors.ts'
import { useServer } from '../support/server.ts'
import { addApp, addCodes } from './factorRows.ts'
import { challengeFor, givePasskey } from './heldPasskey.ts'
import { deviceOf, partsWith, reasonOf } from './notedParts.ts'
import { eventsOf, mailsOf, makePerson, type Person, sessionRow, setSession, visitorOf } from './person.ts'

/* What a second factor proves, and what is written and told of it, without requests. Over HTTP: test/factors/. */

const server = useServer()
let ada: Person
beforeEach(async () => {
  ada = await makePerson(server)
})

const check = (input: FactorInput, parts: Parts = server.auth.parts, userId = ada.userId) =>
  checkFactor(parts, visitorOf(), input, { userId, boundTo: 'login 1', argument: 'input.factor' })
const spend = (proof: FactorProof) => server.auth.parts.db.transaction(tx => proof.spend(tx))
const setFactor = (id: string, change: SQL) =>
  server.rows(sql`update annul.factors set ${change} where id = ${id}`)
const factorRow = async (id: string) => {
  const [row] = await server.rows<Record<string, unknown>>(
    sql`select last_step, last_used_at is not null as used from annul.factors where id = ${id}`,
  )
  return row
}
/** An array of the database, as either driver gives it. */
const listed = (array: unknown) => String(array).replace(/[{}]/g, '')
const codeInvalid = 'CODE_INVALID at input.factor.totp'

describe('a code of an authenticator app', () => {
  it('proves the factor, and is used up once', async () => {
    const app = await addApp(server, ada.userId)
    // One code throughout: the app's next one, half a minute later, would be good again.
    const totp = codeOf(app.secret)
    const proof = await check({ totp })
    expect([proof.factorId, proof.amr]).toEqual([app.id, ['otp', 'mfa']])
    expect(await factorRow(app.id)).toEqual({ last_step: null, used: false })
    const second = await check({ totp })
    await spend(proof)
    const step = Math.floor(Date.now() / 30_000)
    const { last_step: lastStep, used } = (await factorRow(app.id)) ?? {}
    expect([step - Number(lastStep) < 2, used]).toEqual([true, true])
    // Checked before, and used up after.
    expect(await reasonOf(spend(second))).toBe(codeInvalid)
    expect(await reasonOf(check({ totp }))).toBe(codeInvalid)
  })

  it('is used up where the last one was of an earlier step, and of the same account', async () => {
    const app = await addApp(server, ada.userId)
    await setFactor(app.id, sql`last_step = 1`)
    await spend(await check({ totp: codeOf(app.secret) }))
    const bob = await makePerson(server)
    await setFactor(app.id, sql`last_step = 1`)
    const proof = await check({ totp: codeOf(app.secret) })
    await setFactor(app.id, sql`user_id = ${bob.userId}`)
    expect(await reasonOf(spend(proof))).toBe(codeInvalid)
    await setFactor(app.id, sql`user_id = ${ada.userId}, last_step = null`)
    await server.rows(sql`delete from annul.factors where id = ${app.id}`)
    expect(await reasonOf(spend(proof))).toBe(codeInvalid)
  })

  it('is of any of the account’s apps, and of the oldest one that it fits', async () => {
    const [first, second] = [await addApp(server, ada.userId), await addApp(server, ada.userId)]
    await setFactor(first.id, sql`created_at = now() - interval '1 hour'`)
    expect((await check({ totp: codeOf(second.secret) })).factorId).toBe(second.id)
    expect((await check({ totp: codeOf(first.secret) })).factorId).toBe(first.id)
  })

  it('is refused where it is wrong, of another account, or of an app that does not count', async () => {
    await expect(check({ totp: '123456' })).rejects.toThrow('This code is not valid, or was used already.')
    const app = await addApp(server, ada.userId)
    expect(await reasonOf(check({ totp: wrongCode(app.secret) }))).toBe(codeInvalid)
    const bob = await makePerson(server)
    expect(await reasonOf(check({ totp: codeOf(app.secret) }, undefined, bob.userId))).toBe(codeInvalid)
    await setFactor(app.id, sql`confirmed_at = null`)
    expect(await reasonOf(check({ totp: codeOf(app.secret) }))).toBe(codeInvalid)
    await setFactor(app.id, sql`confirmed_at = now(), kind = 'RECOVERY_CODE'`)
    expect(await reasonOf(check({ totp: codeOf(app.secret) }))).toBe(codeInvalid)
  })

  it('of an app that can be read works beside one that can’t, which the log names', async () => {
    const [broken, whole] = [await addApp(server, ada.userId), await addApp(server, ada.userId)]
    await setFactor(broken.id, sql`secret = '\\x00', created_at = now() - interval '1 hour'`)
    const lines: unknown[][] = []
    const log = { ...server.auth.parts.log, error: (...line: unknown[]) => void lines.push(line) }
    const { parts } = partsWith(server, {}, { log } as unknown as Partial<Parts>)
    expect((await check({ totp: codeOf(whole.secret) }, parts)).factorId).toBe(whole.id)
    expect(lines).toEqual([
      [
        { err: expect.any(Error), factorId: broken.id },
        'The secret of an authenticator app can not be read.',
      ],
    ])
    await setFactor(whole.id, sql`secret = null`)
    expect(await reasonOf(check({ totp: codeOf(whole.secret) }, parts))).toBe(codeInvalid)
    expect(lines.map(([details]) => Reflect.get(Object(details), 'factorId'))).toEqual([broken.id, broken.id])
  })
})

describe('a recovery code', () => {
  const [code, other] = ['7K3M0QZV9XWBT2AH', '7K3M0QZV9XWBT2AJ']
  const refusedCode = 'CODE_INVALID at input.factor.recoveryCode'

  it('proves the factor, and is used up once, apart from the others', async () => {
    const id = await addCodes(server, ada.userId, [code, other])
    const [proof, again] = [await check({ recoveryCode: code }), await check({ recoveryCode: code })]
    expect([proof.factorId, proof.amr]).toEqual([id, ['otp', 'mfa']])
    await spend(proof)
    expect(await factorRow(id)).toMatchObject({ used: true })
    const left = await server.rows(
      sql`select from annul.recovery_codes where factor_id = ${id} and used_at is null`,
    )
    expect(left).toHaveLength(1)
    expect(await reasonOf(spend(again))).toBe(refusedCode)
    expect(await reasonOf(check({ recoveryCode: code }))).toBe(refusedCode)
    await check({ recoveryCode: other })
  })

  it('is refused where it is none, wrong, of another account, or of a set that does not count', async () => {
    expect(await reasonOf(check({ recoveryCode: code }))).toBe(refusedCode)
    const id = await addCodes(server, ada.userId, [code])
    expect(await reasonOf(check({ recoveryCode: 'none' }))).toBe(refusedCode)
    expect(await reasonOf(check({ recoveryCode: other }))).toBe(refusedCode)
    const bob = await makePerson(server)
    expect(await reasonOf(check({ recoveryCode: code }, undefined, bob.userId))).toBe(refusedCode)
    await setFactor(id, sql`confirmed_at = null`)
    expect(await reasonOf(check({ recoveryCode: code }))).toBe(refusedCode)
    await setFactor(id, sql`confirmed_at = now(), kind = 'TOTP'`)
    expect(await reasonOf(check({ recoveryCode: code }))).toBe(refusedCode)
    await setFactor(id, sql`kind = 'RECOVERY_CODE'`)
    await check({ recoveryCode: code })
    await setFactor(id, sql`secret = null`)
    expect(await reasonOf(check({ recoveryCode: code }))).toBe(refusedCode)
  })

  it('that is none costs no hash', async () => {
    await addCodes(server, ada.userId, [code])
    const passwords = { ...server.auth.parts.passwords, derive: () => Promise.reject(new Error('hashed')) }
    const { parts } = partsWith(server, {}, { passwords })
    expect(await reasonOf(check({ recoveryCode: 'none' }, parts))).toBe(refusedCode)
    expect(await reasonOf(check({ recoveryCode: code }, parts))).toBe('hashed')
  })

  it('of the same hash in another account stays', async () => {
    const bob = await makePerson(server)
    const ids = [await addCodes(server, ada.userId, [code]), await addCodes(server, bob.userId, [code])]
    for (const id of ids)
      await server.rows(sql`update annul.recovery_codes set hash = '\\x01' where factor_id = ${id}`)
    const passwords = { ...server.auth.parts.passwords, derive: async () => Buffer.from([1]) }
    const { parts } = partsWith(server, {}, { passwords })
    await spend(await check({ recoveryCode: code }, parts))
    expect(await Promise.all(ids.map(factorRow))).toMatchObject([{ used: true }, { used: false }])
    await check({ recoveryCode: code }, parts, bob.userId)
  })
})

describe('an answer', () => {
  it('holds exactly one proof', async () => {
    const passkey = { id: 'x', response: {} }
    const message = 'Give exactly one of "totp", "recoveryCode" and "passkey".'
    for (const input of [{}, { totp: null }, { totp: '1', recoveryCode: '2' }, { totp: '1', passkey }]) {
      const work = (async () => checkInput(input, 'input'))()
      await expect(work).rejects.toMatchObject({
        message,
        extensions: { reason: 'FACTOR_INPUT_INVALID', argument: 'input' },
      })
    }
    for (const input of [{ totp: '' }, { recoveryCode: '', totp: null }, { passkey }])
      expect(checkInput(input, 'input')).toBe(input)
    expect(await reasonOf(check({}))).toBe('FACTOR_INPUT_INVALID at input.factor')
  })

  it('by a passkey is judged as one', async () => {
    const passkey = { id: 'no challenge', response: {} }
    expect(await reasonOf(check({ passkey }))).toBe('PASSKEY_INVALID at input.factor.passkey')
    // Beside another factor, an authenticator need not verify its user.
    const held = await givePasskey(server, ada.userId, { uvInitialized: false })
    const proof = await check({ passkey: held.answer(challengeFor(server, 'login 1')) })
    expect(proof.factorId).toBe(held.factorId)
  })
})

describe('a try', () => {
  const visitor = visitorOf()
  const attemptOf = async (
    input: FactorInput,
    attempt: Parameters<typeof partsWith>[1] = {},
    change: Partial<Parts> = {},
    steps: object = {},
  ) => {
    const { noted, asked, parts } = partsWith(server, attempt, change)
    const of = { userId: ada.userId, boundTo: 'login 1', argument: 'input' }
    const outcome = await reasonOf(
      tryFactor(parts, visitor, input, of, {
        refused: async failures => void noted.push(`refused ${failures}`),
        ...steps,
      }),
    )
    expect(asked).toEqual([[visitor, ada.userId]])
    return { outcome, noted }
  }

  it('that is right is given back, and one that is wrong is noted', async () => {
    const app = await addApp(server, ada.userId)
    const order: string[] = []
    const steps = { begin: async () => void order.push('begun'), undo: async () => void order.push('undone') }
    expect(await attemptOf({ totp: codeOf(app.secret) }, {}, {}, steps)).toEqual({
      outcome: 'accepted',
      noted: ['succeeded'],
    })
    expect(await attemptOf({ totp: wrongCode(app.secret) }, { failures: 7 }, {}, steps)).toEqual({
      outcome: 'CODE_INVALID at input.totp',
      noted: ['refused 7'],
    })
    expect(order).toEqual(['begun', 'begun'])
    expect((await attemptOf({ totp: codeOf(app.secret) })).outcome).toBe('accepted')
  })

  it('after too many failures takes a recovery code, and no code of an app', async () => {
    const app = await addApp(server, ada.userId)
    await addCodes(server, ada.userId, ['7K3M0QZV9XWBT2AH'])
    const locked = { isLocked: true, failures: 101 }
    const refusal = { outcome: 'CODE_INVALID at input.totp', noted: ['refused 101'] }
    expect(await attemptOf({ totp: codeOf(app.secret) }, locked)).toEqual(refusal)
    expect(await attemptOf({ totp: wrongCode(app.secret) }, locked)).toEqual(refusal)
    expect(await attemptOf({ recoveryCode: '7K3M0QZV9XWBT2AH' }, locked)).toEqual({
      outcome: 'accepted',
      noted: ['succeeded'],
    })
  })

  it('that could not be looked at was none', async () => {
    const outage = new OutageError(new Error('lost'))
    const full = new AuthError('TOO_MANY_REQUESTS', 'Full.')
    for (const [error, outcome] of [
      [outage, outage.message],
      [full, 'TOO_MANY_REQUESTS'],
    ] as const) {
      const totp = { ...server.auth.parts.totp }
      const db = new Proxy(server.auth.parts.db, {
        get(target, name) {
          if (name === 'select') throw error
          return Reflect.get(target, name)
        },
      })
      const order: string[] = []
      const steps = { undo: async () => void order.push('taken back') }
      const tried = await attemptOf({ totp: '123456' }, {}, { db, totp }, steps)
      expect(tried.outcome.startsWith(outcome)).toBe(true)
      expect([tried.noted, order]).toEqual([['undone'], ['taken back']])
      const plain = await attemptOf({ totp: '123456' }, {}, { db })
      expect(plain).toEqual({ outcome: tried.outcome, noted: ['undone'] })
    }
  })

  it('whose beginning is refused is not looked at', async () => {
    const app = await addApp(server, ada.userId)
    const begin = async () => {
      throw badUserInput('input.challenge', 'CHALLENGE_INVALID', 'Dead.')
    }
    const tried = await attemptOf({ totp: codeOf(app.secret) }, {}, {}, { begin })
    expect(tried).toEqual({ outcome: 'CHALLENGE_INVALID at input.challenge', noted: ['undone'] })
  })
})

describe('a wrong factor', () => {
  it('is told to the owner at every fifth in a row', () => {
    expect([0, 1, 4, 5, 6, 9, 10, 100].filter(isReasonToTell)).toEqual([5, 10, 100])
  })

  it('is noted, and told by a mail as often as warnings may be', async () => {
    const warned: unknown[][] = []
    let may = true
    const limits = {
      ...server.auth.parts.limits,
      async warns(...all: unknown[]) {
        warned.push(all)
        return may
      },
    }
    const { parts } = partsWith(server, {}, { limits } as unknown as Partial<Parts>)
    const noted: string[] = []
    const note = (userId: string, isTold: boolean) =>
      noteRefusal(parts, visitorOf(), userId, isTold, async () => void noted.push('appended'))
    await note(ada.userId, false)
    expect(warned).toEqual([])
    await note(ada.userId, true)
    expect(warned).toEqual([['second-factor-failed', ada.email]])
    expect(await mailsOf(server, ada.email)).toEqual(['second-factor-failed'])
    may = false
    await note(ada.userId, true)
    expect(await mailsOf(server, ada.email)).toEqual(['second-factor-failed'])
    await server.rows(sql`update annul.users set email = null, email_key = null where id = ${ada.userId}`)
    may = true
    await note(ada.userId, true)
    expect(warned.at(-1)).toEqual(['second-factor-failed', ''])
    await note(randomUUID(), true)
    expect(warned).toHaveLength(3)
    expect(noted).toHaveLength(5)
  })
})

describe('a reauthentication by a factor', () => {
  it('is an access token with the time and the proof; the session notes the factor', async () => {
    const { tokens, viewer } = await ada.signIn()
    const app = await addApp(server, ada.userId)
    await setSession(server, viewer.sessionId, sql`auth_time = now() - interval '1 hour'`)
    const device = deviceOf()
    const other = randomUUID()
    await setSession(server, viewer.sessionId, sql`factor_ids = array[${app.id}, ${other}]::uuid[]`)
    const { noted, parts } = partsWith(server)
    const proved = await reauthenticateWith(parts, { ...viewer, device }, { totp: codeOf(app.secret) })
    const claims = parts.accessTokens.verify(proved.accessToken)
    if (typeof claims === 'string') throw new Error(claims)
    expect([claims.auth_time, claims.amr]).toEqual([claims.iat, ['pwd', 'otp', 'mfa']])
    expect(proved.refreshToken).toBe(tokens.refreshToken)
    expect([noted, device.remembered]).toEqual([['succeeded'], [`factor ${ada.userId}`]])
    const session = await sessionRow(server, viewer.sessionId)
    expect(listed(session.factor_ids)).toBe(`${other},${app.id}`)
    expect(Math.floor(new Date(String(session.factor_time)).getTime() / 1000)).toBe(claims.iat)
    expect(listed(session.amr)).toBe('pwd')
    expect(await eventsOf(server, ada.userId)).toMatchObject([
      { kind: 'reauthenticate', actor: ada.userId, session: viewer.sessionId, detail: 'by a factor' },
    ])
    expect(await factorRow(app.id)).toMatchObject({ used: true })
  })

  it('by a passkey answers a challenge of this session alone', async () => {
    const [{ viewer }, { sessionId }] = [await ada.signIn(), await ada.signIn()]
    const held = await givePasskey(server, ada.userId)
    const answer = (id: string) => ({ passkey: held.answer(challengeFor(server, `session ${id}`)) })
    const { parts } = partsWith(server)
    const refused = reauthenticateWith(parts, viewer, answer(sessionId))
    expect(await reasonOf(refused)).toBe('PASSKEY_INVALID at input.passkey')
    await reauthenticateWith(parts, viewer, answer(viewer.sessionId))
  })

  it('leaves every other session as it is', async () => {
    const [{ viewer }, { sessionId }] = [await ada.signIn(), await ada.signIn()]
    const app = await addApp(server, ada.userId)
    await reauthenticateWith(partsWith(server).parts, viewer, { totp: codeOf(app.secret) })
    const untouched = await sessionRow(server, sessionId)
    expect([listed(untouched.factor_ids), untouched.factor_time]).toEqual(['', null])
  })

  it('with a wrong code is refused and audited; at every fifth the owner is told', async () => {
    const { viewer } = await ada.signIn()
    const app = await addApp(server, ada.userId)
    const wrong = { totp: wrongCode(app.secret) }
    for (const [failures, mails] of [
      [4, []],
      [5, ['second-factor-failed']],
    ] as const) {
      const { parts } = partsWith(server, { failures })
      expect(await reasonOf(reauthenticateWith(parts, viewer, wrong))).toBe('CODE_INVALID at input.totp')
      expect(await mailsOf(server, ada.email)).toEqual(mails)
    }
    expect(await eventsOf(server, ada.userId)).toMatchObject([
      { kind: 'reauthenticate-failed', actor: ada.userId, session: viewer.sessionId, detail: null },
      { kind: 'reauthenticate-failed' },
    ])
  })

  it('of a session that has ended is refused, before an attempt and in its transaction', async () => {
    const { viewer } = await ada.signIn()
    const app = await addApp(server, ada.userId)
    const end = () => setSession(server, viewer.sessionId, sql`ended_at = now(), end_reason = 'LOGGED_OUT'`)
    const ending = partsWith(server, { succeeded: async () => void (await end()) })
    expect(await reasonOf(reauthenticateWith(ending.parts, viewer, { totp: codeOf(app.secret) }))).toBe(
      'LOGGED_OUT',
    )
    const ended = partsWith(server)
    expect(await reasonOf(reauthenticateWith(ended.parts, viewer, { totp: codeOf(app.secret) }))).toBe(
      'LOGGED_OUT',
    )
    expect(ended.asked).toEqual([])
    expect(await eventsOf(server, ada.userId)).toEqual([])
    expect(await factorRow(app.id)).toMatchObject({ used: false })
  })

  it('whose form is wrong is no attempt', async () => {
    const { viewer } = await ada.signIn()
    const { asked, parts } = partsWith(server)
    expect(await reasonOf(reauthenticateWith(parts, viewer, {}))).toBe('FACTOR_INPUT_INVALID at input')
    expect(asked).toEqual([])
  })

  it('by a wrong code in a session that ends meanwhile is not noted', async () => {
    const { viewer } = await ada.signIn()
    const app = await addApp(server, ada.userId)
    const run = async <T>(work: () => Promise<T>) => {
      const result = await work()
      await setSession(server, viewer.sessionId, sql`ended_at = now(), end_reason = 'LOGGED_OUT'`)
      return result
    }
    const { parts } = partsWith(server, { run })
    const wrong = { totp: wrongCode(app.secret) }
    expect(await reasonOf(reauthenticateWith(parts, viewer, wrong))).toBe('LOGGED_OUT')
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })
})
