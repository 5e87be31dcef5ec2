import { randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must, refusal, refused } from '../support/answers.ts'
import type { Answer } from '../support/client.ts'
import {
  beginTotp,
  challengeOf,
  codeOf,
  completeLogin,
  enrollTotp,
  insertPasskey,
  listFactors,
  loginAnswer,
  loginWithFactor,
  makeRecoveryCodes,
  reauthenticateWith,
  removeFactor,
  renameFactor,
  signUpWithTotp,
  type TotpAccount,
} from '../support/factors.ts'
import { emptied, mailFiles } from '../support/mails.ts'
import { useSecondNode, useServer } from '../support/server.ts'

const server = useServer()
const second = useSecondNode(server)
const nodes = [server, second]

const mfaWanted = refused({
  code: 'REAUTHENTICATION_REQUIRED',
  maxAge: 300,
  mfa: true,
  recover: 'REAUTHENTICATE',
})
const badInput = (argument: string, reason: string) => refused({ code: 'BAD_USER_INPUT', argument, reason })

/** The outcome of an access token on every node, and then of its refresh token. */
async function fatesOf(tokens: { accessToken: string; refreshToken: string }): Promise<string[]> {
  const fates: string[] = []
  for (const node of nodes) {
    const { data, reason } = await node.send('{ me { id } }', { token: tokens.accessToken })
    fates.push(data ? 'works' : String(reason))
  }
  const { data, reason } = await second.refresh(tokens.refreshToken)
  return [...fates, data ? 'works' : String(reason)]
}
const alive = ['works', 'works', 'works']
const dead = ['FACTOR_REMOVED', 'FACTOR_REMOVED', 'FACTOR_REMOVED']

/** The kinds of events that tell of factors, with their details, the oldest first. */
const eventsOf = ({ userId }: TotpAccount) =>
  server.rows(sql`select kind, detail from annul.audit_events
    where user_id = ${userId} and kind ~ 'factor|codes' order by id`)
const stateOf = ({ userId }: TotpAccount) =>
  server.rows(sql`select id, kind, name from annul.factors where user_id = ${userId} order by id`)

describe('removeFactor', () => {
  it('ends the other sessions that the factor has opened, on every node, and no others (ASVS 5.0 6.5.6)', async () => {
    const account = await signUpWithTotp(server)
    const [recoveryCode = ''] = account.recoveryCodes
    const byRecovery = await loginWithFactor(server, account, recoveryCode)
    const byApp = await loginWithFactor(server, account)
    const own = await loginWithFactor(second, account)
    must(await renameFactor(server, own.accessToken, account.factorId, 'Phone'))
    const { factorId } = await enrollTotp(server, own.accessToken)

    expect(must(await removeFactor(server, own.accessToken, account.factorId))).toEqual({
      removeFactor: true,
    })
    expect(await fatesOf(byApp)).toEqual(dead)
    for (const tokens of [byRecovery, own, account.tokens]) expect(await fatesOf(tokens)).toEqual(alive)
    const kinds = (await listFactors(server, own.accessToken)).map(({ id, kind }) => [kind, id === factorId])
    expect(kinds).toEqual([
      ['RECOVERY_CODE', false],
      ['TOTP', true],
    ])
    expect(await eventsOf(account)).toEqual([
      { kind: 'add-factor', detail: 'TOTP' },
      ...Array(3).fill({ kind: 'second-factor-asked', detail: null }),
      { kind: 'rename-factor', detail: 'TOTP' },
      { kind: 'add-factor', detail: 'TOTP' },
      { kind: 'remove-factor', detail: 'TOTP' },
    ])
  })

  it('ends a session that the factor has not opened, but given a proof for', async () => {
    const account = await signUpWithTotp(server)
    const totp = codeOf(account.secret)
    const elevated = must(await reauthenticateWith(server, account.tokens.accessToken, { totp }))
    const own = await loginWithFactor(second, account)
    expect(await removed(removeFactor(second, own.accessToken, account.factorId))).toBe(true)
    expect(await fatesOf(elevated.reauthenticateWith)).toEqual(dead)
    const { reason } = await server.send('{ me { id } }', { token: account.tokens.accessToken })
    expect(reason).toBe('FACTOR_REMOVED')
  })

  it('takes the recovery codes with the last factor, and the password alone signs in again', async () => {
    const account = await signUpWithTotp(server)
    const [recoveryCode = '', unused = ''] = account.recoveryCodes
    const byRecovery = await loginWithFactor(server, account, recoveryCode)
    const waiting = await challengeOf(server, account)
    const own = await loginWithFactor(server, account)
    expect(await removed(removeFactor(server, own.accessToken, account.factorId))).toBe(true)
    expect(await fatesOf(byRecovery)).toEqual(dead)
    expect(await listFactors(server, own.accessToken)).toEqual([])
    expect(await stateOf(account)).toEqual([])
    must(await loginAnswer(server, account))
    for (const [factor, name] of [
      [{ recoveryCode: unused }, 'recoveryCode'],
      [{ totp: codeOf(account.secret) }, 'totp'],
    ] as const)
      expect(refusal(await completeLogin(server, waiting, factor))).toEqual(
        badInput(`input.factor.${name}`, 'CODE_INVALID'),
      )
  })

  it('takes the recovery codes alone', async () => {
    const account = await signUpWithTotp(server)
    const [recoveryCode = '', unused = ''] = account.recoveryCodes
    const byRecovery = await loginWithFactor(server, account, recoveryCode)
    const own = await loginWithFactor(server, account)
    const codes = (await listFactors(server, own.accessToken)).find(({ kind }) => kind === 'RECOVERY_CODE')
    expect(codes).toMatchObject({ codesLeft: 9 })
    expect(await removed(removeFactor(server, own.accessToken, codes?.id ?? ''))).toBe(true)
    expect(await fatesOf(byRecovery)).toEqual(dead)
    expect(await fatesOf(own)).toEqual(alive)
    const answer = await loginAnswer(server, account)
    expect(answer.errors?.[0]?.extensions.methods).toEqual(['TOTP'])
    const late = await completeLogin(server, await challengeOf(server, account), { recoveryCode: unused })
    expect(late.reason).toBe('CODE_INVALID')
  })

  it('finds no factor that is unknown, another user’s, not confirmed, or removed already', async () => {
    const [account, other] = [await signUpWithTotp(server), await signUpWithTotp(server)]
    const own = await loginWithFactor(server, account)
    const pending = (await beginTotp(server, own.accessToken)).id
    const before = [await stateOf(account), await stateOf(other), await eventsOf(account)]
    for (const id of [randomUUID(), other.factorId, pending])
      expect(await removed(removeFactor(server, own.accessToken, id))).toBe(false)
    expect([await stateOf(account), await stateOf(other), await eventsOf(account)]).toEqual(before)
    expect(await removed(removeFactor(server, own.accessToken, account.factorId))).toBe(true)
    expect(await removed(removeFactor(server, own.accessToken, account.factorId))).toBe(false)
    expect(await fatesOf(other.tokens)).toEqual(alive)
  })

  it('wants a proof by a factor', async () => {
    const account = await signUpWithTotp(server)
    const token = account.tokens.accessToken
    const before = await stateOf(account)
    for (const id of [account.factorId, randomUUID()])
      expect(refusal(await removeFactor(server, token, id))).toEqual(mfaWanted)
    expect(refusal(await makeRecoveryCodes(server, token))).toEqual(mfaWanted)
    expect(refusal(await server.send('mutation { enrollTotp { id } }', { token }))).toEqual(mfaWanted)
    expect(await stateOf(account)).toEqual(before)
  })

  it('leaves the last way into an account without a password', async () => {
    const account = await signUpWithTotp(server)
    const own = await loginWithFactor(server, account)
    const passkeys = [
      await insertPasskey(server, account.userId),
      await insertPasskey(server, account.userId),
    ]
    await server.rows(sql`update annul.users set password_hash = null where id = ${account.userId}`)
    const answers = await Promise.all(
      passkeys.map((id, at) => removeFactor(nodes[at % 2] ?? server, own.accessToken, id)),
    )
    expect(answers.map(({ data, reason }) => data?.removeFactor ?? reason).sort()).toEqual(
      ['LAST_WAY_IN', true].sort(),
    )
    const [left] = (await listFactors(server, own.accessToken)).filter(({ kind }) => kind === 'PASSKEY')
    expect(refusal(await removeFactor(server, own.accessToken, left?.id ?? ''))).toEqual(
      badInput('id', 'LAST_WAY_IN'),
    )
    // An authenticator app opens nothing by itself.
    expect(await removed(removeFactor(server, own.accessToken, account.factorId))).toBe(true)
    await server.rows(sql`update annul.users set password_hash = 'x' where id = ${account.userId}`)
    expect(await removed(removeFactor(server, own.accessToken, left?.id ?? ''))).toBe(true)
    expect(await stateOf(account)).toEqual([])
  })
})

describe('makeRecoveryCodes', () => {
  it('ends the former codes, and the other sessions that they have opened', async () => {
    const account = await signUpWithTotp(server)
    const [used = '', unused = ''] = account.recoveryCodes
    const byRecovery = await loginWithFactor(server, account, used)
    const own = await loginWithFactor(server, account)
    const { makeRecoveryCodes: codes } = must(await makeRecoveryCodes(second, own.accessToken))
    expect(codes).toHaveLength(10)
    expect(new Set([...codes, ...account.recoveryCodes]).size).toBe(20)
    expect(await fatesOf(byRecovery)).toEqual(dead)
    for (const tokens of [own, account.tokens]) expect(await fatesOf(tokens)).toEqual(alive)
    const challenge = await challengeOf(server, account)
    expect((await completeLogin(server, challenge, { recoveryCode: unused })).reason).toBe('CODE_INVALID')
    must(await completeLogin(server, challenge, { recoveryCode: codes[9] ?? '' }))
    expect(await eventsOf(account)).toContainEqual({ kind: 'make-recovery-codes', detail: null })
  })

  it('wants a factor that the codes stand in for', async () => {
    const { accessToken } = await server.signUp()
    expect(refusal(await makeRecoveryCodes(server, accessToken))).toEqual(
      badInput('makeRecoveryCodes', 'FACTOR_MISSING'),
    )
  })
})

describe('renameFactor', () => {
  it('gives a factor a name, without space around it', async () => {
    const { tokens, factorId } = await signUpWithTotp(server)
    const named = must(await renameFactor(server, tokens.accessToken, factorId, '  Ada’s phone 📱 '))
    expect(named.renameFactor).toMatchObject({ id: factorId, kind: 'TOTP', name: 'Ada’s phone 📱' })
    expect((await listFactors(server, tokens.accessToken))[0]).toMatchObject({ name: 'Ada’s phone 📱' })
    must(await renameFactor(server, tokens.accessToken, factorId, 'x'.repeat(100)))
  })

  it.each([
    ['', 'TEXT_EMPTY'],
    [' \t\n ', 'TEXT_EMPTY'],
    ['x'.repeat(101), 'TEXT_TOO_LONG'],
    ['a\0b', 'TEXT_CHARACTERS'],
    ['a\nb', 'TEXT_CHARACTERS'],
    ['\ud800', 'TEXT_CHARACTERS'],
  ])('refuses the name %j', async (name, reason) => {
    const { tokens, factorId } = await signUpWithTotp(server)
    expect(refusal(await renameFactor(server, tokens.accessToken, factorId, name))).toEqual(
      badInput('name', reason),
    )
    expect((await listFactors(server, tokens.accessToken))[0]).toMatchObject({ name: null })
  })

  it('gives one answer to an id that nobody has, another user’s and one that is not confirmed', async () => {
    const other = await signUpWithTotp(server)
    const { accessToken } = await server.signUp()
    const pending = await beginTotp(server, accessToken)
    const answers = []
    for (const id of [randomUUID(), other.factorId, pending.id])
      answers.push(refusal(await renameFactor(server, accessToken, id, 'mine')))
    expect(answers).toEqual(Array(3).fill(badInput('id', 'FACTOR_UNKNOWN')))
    expect(await stateOf(other)).toContainEqual(expect.objectContaining({ kind: 'TOTP', name: null }))
    expect(await listFactors(server, accessToken)).toEqual([])
  })
})

describe('the owner', () => {
  it('is told by mail what was changed', async () => {
    const account = await signUpWithTotp(server)
    const own = await loginWithFactor(server, account)
    must(await renameFactor(server, own.accessToken, account.factorId, 'a name of a thief'))
    must(await makeRecoveryCodes(server, own.accessToken))
    must(await removeFactor(server, own.accessToken, randomUUID()))
    must(await removeFactor(server, own.accessToken, account.factorId))
    await emptied(server)
    const mails = (await mailFiles(server, account.email)).filter(({ kind }) => kind === 'factors-changed')
    const told = mails.map(({ text }) => text.match(/^(An auth|New rec)[\s\S]*?all is well\./m)?.[0] ?? text)
    expect(told.map(text => text.replace(/\s+/g, ' ')).sort()).toEqual([
      'An authenticator app was added to your account at Annul. If it was you, all is well.',
      'An authenticator app was removed from your account at Annul. If it was you, all is well.',
      'New recovery codes were made for your account at Annul. The former ones no longer work. If it was you, all is well.',
    ])
    for (const { text } of mails) expect(text).not.toContain('thief')
  })
})

async function removed(answer: Promise<Answer<{ removeFactor: boolean }>>): Promise<boolean> {
  return must(await answer).removeFactor
}
