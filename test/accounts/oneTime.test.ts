import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { purge } from '../../src/housekeeping.ts'
import {
  changeEmail,
  deviceIn,
  newAddress,
  newPassword,
  requestEmailVerification,
  requestPasswordReset,
  resetPassword,
  restoreEmail,
  verifyEmail,
} from '../support/account.ts'
import { must } from '../support/answers.ts'
import { mailOf } from '../support/outbox.ts'
import { useSecondNode, useServer } from '../support/server.ts'

const first = useServer()
const second = useSecondNode(first)
/** The second node, and the first one again: requests at once go to both. */
const nodeOf = (index: number) => (index % 2 === 0 ? first : second)

async function requested(email?: string) {
  const account = email === undefined ? await first.signUp() : { email }
  const answer = await requestPasswordReset(first, account.email)
  const headers = deviceIn(answer)
  const mail = email === undefined ? await mailOf(first, 'reset-password', account.email) : undefined
  return { ...account, headers, token: mail?.token ?? '', code: mail?.code ?? '' }
}
const reasons = (answers: readonly { readonly reason: string | undefined }[]) =>
  answers.map(({ reason = 'works' }) => reason).sort()
const triesOf = (email: string) =>
  first.rows(sql`select code_tries as tries from annul.one_time_tokens where email_key = ${email}`)
const wrong = (right: string) => (right === 'AAAAAAAA' ? 'BBBBBBBB' : 'AAAAAAAA')

describe('A token that is used 50 times at once on two nodes works once: (ASVS 5.0 6.5.1)', () => {
  const fifty = (use: (index: number) => Promise<{ reason: string | undefined }>) =>
    Promise.all(Array.from({ length: 50 }, (_, index) => use(index)))
  const once = [...Array(49).fill('TOKEN_INVALID'), 'works']

  it('resetPassword', async () => {
    const { token } = await requested()
    // The passwords differ, so that the one that is set is known.
    expect(reasons(await fifty(index => resetPassword(nodeOf(index), token, newPassword())))).toEqual(once)
  })

  it('verifyEmail and restoreEmail', async () => {
    const account = await first.signUp()
    const email = newAddress()
    must(await changeEmail(first, account.accessToken, email))
    const { token } = await mailOf(first, 'confirm-new-email', email)
    expect(reasons(await fifty(index => verifyEmail(nodeOf(index), token)))).toEqual(once)
    const { token: back } = await mailOf(first, 'email-changed', account.email)
    expect(reasons(await fifty(index => restoreEmail(nodeOf(index), back)))).toEqual(once)
  })

  it('requestPasswordReset 20 times at once leaves one live token', async () => {
    const { email } = await first.signUp()
    await Promise.all(Array.from({ length: 20 }, (_, index) => requestPasswordReset(nodeOf(index), email)))
    expect(
      await first.rows(
        sql`select 1 from annul.one_time_tokens where email_key = ${email} and ended_at is null`,
      ),
    ).toHaveLength(1)
  })
})

describe('A code', () => {
  it('counts on the device that asked, and nowhere else (ASVS 5.0 6.6.2)', async () => {
    const { code, headers, email } = await requested()
    const other = deviceIn(await requestPasswordReset(first, newAddress()))
    for (const elsewhere of [{}, other, { 'annul-device': `${headers['annul-device']}x` }])
      expect((await resetPassword(second, code, newPassword(), { headers: elsewhere })).reason).toBe(
        'CODE_INVALID',
      )
    expect(await triesOf(email)).toEqual([{ tries: 0 }])
    const typed = ` ${code.slice(0, 4).toLowerCase()}-${code.slice(4)}`
    must(await resetPassword(second, typed, newPassword(), { headers }))
    expect((await resetPassword(first, code, newPassword(), { headers })).reason).toBe('CODE_INVALID')
  })

  it('of one verb is none for another', async () => {
    const { code, headers } = await requested()
    expect((await verifyEmail(first, code, headers)).reason).toBe('CODE_INVALID')
  })

  it('is dead after 5 wrong ones, and the link lives (ASVS 5.0 6.6.3)', async () => {
    const { code, token, headers, email } = await requested()
    for (let round = 0; round < 5; round++)
      expect((await resetPassword(first, wrong(code), newPassword(), { headers })).reason).toBe(
        'CODE_INVALID',
      )
    expect((await resetPassword(first, code, newPassword(), { headers })).reason).toBe('CODE_INVALID')
    expect(await triesOf(email)).toEqual([{ tries: 5 }])
    must(await resetPassword(first, token, newPassword()))
  })

  it('is compared 5 times of 50 wrong ones at once on two nodes', async () => {
    const { code, headers, email } = await requested()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        resetPassword(nodeOf(index), wrong(code), newPassword(), { headers }),
      ),
    )
    expect(reasons(answers)).toEqual(Array(50).fill('CODE_INVALID'))
    expect(await triesOf(email)).toEqual([{ tries: 5 }])
    const failures = sql`select 1 from annul.audit_events a join annul.users u on u.id = a.user_id
      where a.kind = 'one-time-code-failed' and u.email_key = ${email}`
    expect(await first.rows(failures)).toHaveLength(5)
    expect((await resetPassword(first, code, newPassword(), { headers })).reason).toBe('CODE_INVALID')
  })

  it('right or of a bad password costs no try', async () => {
    const { code, headers, email } = await requested()
    for (let round = 0; round < 6; round++)
      expect((await resetPassword(first, code, email.padEnd(15), { headers })).reason).not.toBe(
        'CODE_INVALID',
      )
    expect(await triesOf(email)).toEqual([{ tries: 0 }])
  })

  it('is counted for an address that nobody has, too: the answers to codes tell nothing', async () => {
    const email = newAddress()
    const { headers } = await requested(email)
    for (let round = 0; round < 6; round++)
      expect((await resetPassword(first, 'AAAAAAAA', newPassword(), { headers })).reason).toBe('CODE_INVALID')
    expect(await triesOf(email)).toEqual([{ tries: 5 }])
  })
})

describe('The table of one-time tokens', () => {
  it('holds no token, no code and no device', async () => {
    const { token, code, headers } = await requested()
    const all = JSON.stringify([
      await first.rows(sql`select t::text from annul.one_time_tokens t`),
      await first.rows(sql`select o::text from annul.outbox o`),
      await first.rows(sql`select a::text from annul.audit_events a`),
    ])
    const id = headers['annul-device']?.match(/^annul_d_([\w-]{22})/)?.[1] ?? ''
    for (const secret of [token, code, id]) expect(all).not.toContain(secret)
    expect(all).toContain(createHash('sha256').update(id).digest('hex'))
  })

  it('has no row after its time, and with it no address', async () => {
    const { email } = await requested()
    const other = await requested()
    await first.rows(sql`update annul.one_time_tokens set expires_at = now() where email_key = ${email}`)
    await purge(first.auth.parts)
    expect(await triesOf(email)).toEqual([])
    expect(await triesOf(other.email)).toEqual([{ tries: 0 }])
  })
})

it('Garbage costs no query', async () => {
  const account = await first.signUp()
  must(await requestEmailVerification(first, account.accessToken))
  const { token } = await mailOf(first, 'verify-email', account.email)
  const forged = `annul_ot_${randomBytes(48).toString('base64url')}`
  const texts = [
    '',
    'x',
    token.slice(0, -1),
    `${token.slice(0, -1)}!`,
    forged,
    'AAAAAAAA',
    'x'.repeat(50_000),
  ]
  // Every statement needs the table's lock, so that one would wait.
  const { db } = first.auth.parts
  await db.transaction(async tx => {
    await tx.execute(sql`lock table annul.one_time_tokens in access exclusive mode`)
    for (const text of texts)
      for (const use of [
        () => verifyEmail(second, text),
        () => restoreEmail(second, text),
        () => resetPassword(second, text, newPassword()),
      ])
        expect((await use()).code).toBe('BAD_USER_INPUT')
  })
})
