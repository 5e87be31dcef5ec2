import { createHash, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { rows } from '../../src/database/open.ts'
import type { Parts } from '../../src/parts.ts'
import { answerChallenge } from '../../src/sessions/answerChallenge.ts'
import { expiredChallenges } from '../../src/sessions/expiredChallenges.ts'
import {
  askForFactor,
  boundToChallenge,
  findChallenge,
  readChallenge,
  spendChallenge,
  takeTry,
} from '../../src/sessions/factorChallenge.ts'
import type { FactorInput } from '../../src/sessions/factorProof.ts'
import { readCredentials } from '../../src/sessions/readCredentials.ts'
import { codeOf, insertPasskey, wrongCode } from '../support/factors.ts'
import { useServer } from '../support/server.ts'
import { type App, addApp, addCodes } from './factorRows.ts'
import { partsWith, reasonOf } from './notedParts.ts'
import { eventsOf, mailsOf, makePerson, type Person, setUser, visitorOf } from './person.ts'

/* The time between a right password and the session, without requests. Over HTTP: test/factors/. */

const server = useServer()
let ada: Person
let app: App
beforeEach(async () => {
  ada = await makePerson(server)
  app = await addApp(server, ada.userId)
})

/** A challenge, as a login answers with it. */
async function ask(reset?: { tokenId: string; passwordHash: string }): Promise<string> {
  const { db } = server.auth.parts
  const checked = await readCredentials(db, { id: ada.userId })
  if (checked === undefined) throw new Error('There is no such user.')
  const { extensions } = await askForFactor(db, checked, reset)
  return String(extensions.challenge)
}
interface Row {
  readonly id: string
  readonly tries: number
  readonly spent: boolean
  readonly [column: string]: unknown
}
const hashOf = (text: string) => createHash('sha256').update(text).digest()
async function rowOf(text: string): Promise<Row> {
  const [row] =
    await server.rows<Row>(sql`select id, user_id, session_version, epoch::int, token_id, password_hash, tries,
    spent_at is not null as spent, extract(epoch from expires_at - now())::float8 as seconds
    from annul.factor_challenges where hash = ${hashOf(text)}`)
  if (row === undefined) throw new Error('There is no such challenge.')
  return row
}
const setChallenge = (text: string, change: SQL) =>
  server.rows(sql`update annul.factor_challenges set ${change} where hash = ${hashOf(text)}`)
const dead = 'CHALLENGE_INVALID at input.challenge'
/** What ends a challenge. */
const ends: readonly (readonly [string, SQL])[] = [
  ['used up', sql`spent_at = now()`],
  ['expired', sql`expires_at = now()`],
  ['tried five times', sql`tries = 5`],
]

describe('a right password of an account with a factor', () => {
  it('is answered with a challenge, which knows the versions that were checked', async () => {
    await setUser(server, ada.userId, sql`session_version = 7`)
    const texts = [await ask(), await ask()]
    expect(new Set(texts).size).toBe(2)
    for (const text of texts) {
      expect(Buffer.from(text, 'base64url')).toHaveLength(32)
      const { seconds, id, ...row } = await rowOf(text)
      expect(row).toEqual({
        user_id: ada.userId,
        session_version: 7,
        epoch: (await readCredentials(server.auth.parts.db, { id: ada.userId }))?.epoch,
        token_id: null,
        password_hash: null,
        tries: 0,
        spent: false,
      })
      expect(boundToChallenge({ id })).toBe(`login ${id}`)
      expect(Number(seconds)).toBeGreaterThan(290)
      expect(Number(seconds)).toBeLessThanOrEqual(300)
    }
  })

  it('keeps a reset that waits', async () => {
    const reset = { tokenId: randomUUID(), passwordHash: 'the hash' }
    expect(await rowOf(await ask(reset))).toMatchObject({
      token_id: reset.tokenId,
      password_hash: 'the hash',
    })
  })

  it('names the kinds that the account can answer with: the best first, each once', async () => {
    const { db } = server.auth.parts
    const checked = await readCredentials(db, { id: ada.userId })
    if (checked === undefined) throw new Error('There is no such user.')
    const methods = async () => (await askForFactor(db, checked)).extensions.methods
    expect(await methods()).toEqual(['TOTP'])
    const set = await addCodes(server, ada.userId, ['7K3M0QZV9XWBT2AH'])
    const passkey = await insertPasskey(server, ada.userId)
    await insertPasskey(server, ada.userId)
    expect(await methods()).toEqual(['PASSKEY', 'TOTP', 'RECOVERY_CODE'])
    await server.rows(sql`update annul.recovery_codes set used_at = now() where factor_id = ${set}`)
    expect(await methods()).toEqual(['PASSKEY', 'TOTP'])
    await server.rows(
      sql`update annul.factors set confirmed_at = null where id <> ${passkey} and user_id = ${ada.userId}`,
    )
    expect(await methods()).toEqual(['PASSKEY'])
    const bob = await makePerson(server)
    await server.rows(sql`update annul.factors set user_id = ${bob.userId} where id = ${passkey}`)
    expect(await methods()).toEqual([])
  })

  it('of a user who has another id meanwhile is refused', async () => {
    const { db } = server.auth.parts
    const checked = await readCredentials(db, { id: ada.userId })
    if (checked === undefined) throw new Error('There is no such user.')
    const moved = { ...checked, user: { ...checked.user, id: randomUUID() } }
    expect(await reasonOf(askForFactor(db, moved))).toBe('INVALID_CREDENTIALS')
    const broken = { ...checked, user: { ...checked.user, sessionVersion: 2 ** 40 } }
    await expect(askForFactor(db, broken)).rejects.toThrow('Failed query')
  })
})

describe('a challenge', () => {
  const find = (parts: Parts, text: string) => findChallenge(parts, visitorOf(), text, 'input.challenge')

  it('is found by its text, until it ends; a text that is none is charged', async () => {
    const text = await ask()
    const { id } = await rowOf(text)
    const { noted, parts } = partsWith(server)
    expect(await find(parts, text)).toEqual({ id, userId: ada.userId })
    expect(await readChallenge(parts, text)).toEqual({ methods: ['TOTP'], triesLeft: 5 })
    expect(noted).toEqual([])
    for (const [, change] of [...ends, ['of another text', sql`hash = '\\x00'`] as const]) {
      const ended = await ask()
      await setChallenge(ended, change)
      expect(await reasonOf(find(parts, ended))).toBe(dead)
      expect(await readChallenge(parts, ended)).toBeUndefined()
    }
    expect(noted).toEqual(Array(4).fill('charged token'))
    await setChallenge(text, sql`tries = 4`)
    expect(await readChallenge(parts, text)).toMatchObject({ triesLeft: 1 })
  })

  it('is refused in one text', async () => {
    await expect(find(server.auth.parts, 'none')).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: 'This challenge is not valid, was used already or has expired. Please sign in again.',
    })
  })

  it.each(ends)('that is %s takes no try', async (_, change) => {
    const { db } = server.auth.parts
    const [text, other] = [await ask(), await ask()]
    const { id } = await rowOf(text)
    expect(await takeTry(db, id)).toMatchObject({ id, tries: 1 })
    expect([(await rowOf(text)).tries, (await rowOf(other)).tries]).toEqual([1, 0])
    await setChallenge(text, change)
    expect(await reasonOf(takeTry(db, id))).toBe(dead)
  })

  it('is used up once, and not after its end; its last try may be right', async () => {
    const { db } = server.auth.parts
    const [text, other] = [await ask(), await ask()]
    await setChallenge(text, sql`tries = 4`)
    const challenge = await takeTry(db, (await rowOf(text)).id)
    await spendChallenge(db, challenge)
    expect([(await rowOf(text)).spent, (await rowOf(other)).spent]).toEqual([true, false])
    expect(await reasonOf(spendChallenge(db, challenge))).toBe(dead)
    await setChallenge(text, sql`spent_at = null, expires_at = now()`)
    expect(await reasonOf(spendChallenge(db, challenge))).toBe(dead)
  })

  it('that has expired is removed, in batches, but for one that is locked', async () => {
    const { db } = server.auth.parts
    await server.rows(sql`delete from annul.factor_challenges`)
    const texts = [await ask(), await ask(), await ask()]
    const [live = '', ...expired] = texts
    for (const [at, text] of expired.entries())
      await setChallenge(text, sql`expires_at = now() - make_interval(mins => ${2 - at})`)
    expect(await rows(db, expiredChallenges(1))).toHaveLength(1)
    expect(await reasonOf(rowOf(expired[0] ?? ''))).toBe('There is no such challenge.')
    await rowOf(expired[1] ?? '')
    expect(await rows(db, expiredChallenges(10))).toHaveLength(1)
    await rowOf(live)
  })
})

describe('an answer to a challenge', () => {
  const visitor = visitorOf()
  const answer = (parts: Parts, challenge: string, factor: FactorInput) =>
    answerChallenge(parts, visitor, { challenge, factor })
  const spend = (proof: { spend(tx: Parts['db']): Promise<void> }) =>
    server.auth.parts.db.transaction(tx => proof.spend(tx as Parts['db']))

  it('that is right costs a try, and uses the challenge and the code up', async () => {
    const text = await ask()
    const { asked, noted, parts } = partsWith(server)
    const { challenge, proof } = await answer(parts, text, { totp: codeOf(app.secret) })
    const row = await rowOf(text)
    expect(challenge).toMatchObject({ id: row.id, userId: ada.userId, tries: 1 })
    expect([proof.factorId, proof.amr]).toEqual([app.id, ['otp', 'mfa']])
    expect([row.tries, row.spent, asked, noted]).toEqual([1, false, [[visitor, ada.userId]], ['succeeded']])
    await spend(proof)
    expect((await rowOf(text)).spent).toBe(true)
    const [factor] = await server.rows(
      sql`select last_step is not null as used from annul.factors where id = ${app.id}`,
    )
    expect(factor).toEqual({ used: true })
    // The challenge is looked at before the code.
    expect(await reasonOf(spend(proof))).toBe(dead)
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })

  it('that is wrong costs a try, an event and a metric; the fifth is told to the owner', async () => {
    const text = await ask()
    const { noted, parts } = partsWith(server)
    for (let tries = 1; tries <= 5; tries++) {
      const wrong = answer(parts, text, { recoveryCode: null, totp: wrongCode(app.secret) })
      expect(await reasonOf(wrong)).toBe('CODE_INVALID at input.factor.totp')
      expect((await rowOf(text)).tries).toBe(tries)
      expect(await mailsOf(server, ada.email)).toEqual(tries < 5 ? [] : ['second-factor-failed'])
    }
    expect(noted).toEqual(Array(5).fill('factor-refused'))
    const event = { kind: 'second-factor-failed', actor: null, session: null, detail: 'totp' }
    expect(await eventsOf(server, ada.userId)).toMatchObject(Array(5).fill(event))
    const { address, device } = (await eventsOf(server, ada.userId))[0] ?? {}
    expect([address, device]).toEqual(['203.0.113.7', 'Firefox on Linux'])
    expect(await reasonOf(answer(parts, text, { totp: codeOf(app.secret) }))).toBe(dead)
  })

  it('that is the fifth wrong one in a row of several challenges is told, too', async () => {
    const { parts } = partsWith(server, { failures: 5 })
    const wrong = answer(parts, await ask(), { totp: null, recoveryCode: 'none' })
    expect(await reasonOf(wrong)).toBe('CODE_INVALID at input.factor.recoveryCode')
    expect(await mailsOf(server, ada.email)).toEqual(['second-factor-failed'])
    expect(await eventsOf(server, ada.userId)).toMatchObject([{ detail: 'recoveryCode' }])
  })

  it('whose form is wrong, or to a challenge that has ended, is no attempt', async () => {
    const text = await ask()
    const { asked, noted, parts } = partsWith(server)
    expect(await reasonOf(answer(parts, text, {}))).toBe('FACTOR_INPUT_INVALID at input.factor')
    expect(await reasonOf(answer(parts, 'none', { totp: '123456' }))).toBe(dead)
    expect([asked, noted, (await rowOf(text)).tries]).toEqual([[], ['charged token'], 0])
  })

  it('to a challenge that ends meanwhile is not looked at', async () => {
    const text = await ask()
    const run = async <T>(work: () => Promise<T>) => {
      await setChallenge(text, sql`tries = 5`)
      return work()
    }
    const { noted, parts } = partsWith(server, { run })
    expect(await reasonOf(answer(parts, text, { totp: codeOf(app.secret) }))).toBe(dead)
    expect(noted).toEqual([])
  })

  it('that could not be looked at gives its try back, to its challenge alone', async () => {
    const [text, other] = [await ask(), await ask()]
    await setChallenge(other, sql`tries = 3`)
    await addCodes(server, ada.userId, ['7K3M0QZV9XWBT2AH'])
    const passwords = {
      ...server.auth.parts.passwords,
      derive: () => Promise.reject(new Error('The queue is full.')),
    }
    const { noted, parts } = partsWith(server, {}, { passwords })
    const tried = answer(parts, text, { recoveryCode: '7K3M0QZV9XWBT2AH' })
    expect(await reasonOf(tried)).toBe('The queue is full.')
    expect([noted, (await rowOf(text)).tries, (await rowOf(other)).tries]).toEqual([['undone'], 0, 3])
  })

  it('by a passkey is bound to the challenge', async () => {
    const text = await ask()
    const opened: unknown[] = []
    const passkeyChallenges: Parts['passkeyChallenges'] = {
      ...server.auth.parts.passkeyChallenges,
      open(...all) {
        opened.push(all[2])
        return server.auth.parts.passkeyChallenges.open(...all)
      },
    }
    const { parts } = partsWith(server, {}, { passkeyChallenges })
    const tried = answer(parts, text, { passkey: { id: 'x', response: {} } })
    expect(await reasonOf(tried)).toBe('PASSKEY_INVALID at input.factor.passkey')
    expect(opened).toEqual([`login ${(await rowOf(text)).id}`])
    expect(await eventsOf(server, ada.userId)).toMatchObject([{ detail: 'passkey' }])
  })
})
