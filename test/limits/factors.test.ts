import { describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must, refusal, refused } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { challengeOf, codeOf, completeLogin, signUpWithTotp, wrongCode } from '../support/factors.ts'
import { mailsTo } from '../support/outbox.ts'
import { type TestServer, useServer } from '../support/server.ts'
import { headersOf, useLimitedServer } from './support.ts'

jest.setTimeout(120_000)

/* A code of six digits has a million values, of which three are right at a time: what is counted here is the guesses. */

const first = useLimitedServer()
const second = useFurtherNode()
const third = useFurtherNode()
const nodes = [first, second, third] as const

/** The embedded database serves a single process. */
function useFurtherNode(): TestServer {
  return onPostgres ? useServer(() => ({ database: first.database, env: first.env })) : first
}

const atOnce = (count: number, work: (node: TestServer, at: number) => Promise<unknown>) =>
  Promise.all(Array.from({ length: count }, (_, at) => work(nodes[at % 3] ?? first, at)))

describe('Wrong second factors, on three nodes at once,', () => {
  it('are looked at five times for a challenge: of 50 codes at once, too', async () => {
    const account = await signUpWithTotp(first)
    const challenge = await challengeOf(first, account)
    const totp = wrongCode(account.secret)
    const answers = await atOnce(50, (node, at) =>
      completeLogin(node, challenge, { totp }, { headers: headersOf({ from: `10.0.${at}.1` }) }),
    )
    const reasons = answers.map(answer => (answer as { reason?: string; code?: string }).reason)
    expect(reasons.filter(reason => reason === 'CODE_INVALID')).toHaveLength(5)
    // What was not looked at was given back: another challenge can still be answered.
    expect(reasons.filter(reason => reason === 'CHALLENGE_INVALID').length).toBeGreaterThanOrEqual(30)
    must(await completeLogin(first, await challengeOf(first, account), { totp: codeOf(account.secret) }))
  })

  it('are looked at 20 times an hour for an account, whatever the number of challenges', async () => {
    const account = await signUpWithTotp(first)
    const challenges: string[] = []
    for (let made = 0; made < 12; made++) challenges.push(await challengeOf(first, account))
    const totp = wrongCode(account.secret)
    const answers = (await atOnce(60, (node, at) =>
      completeLogin(
        node,
        challenges[at % 12] ?? '',
        { totp },
        { headers: headersOf({ from: `10.1.${at}.1` }) },
      ),
    )) as { reason?: string; code?: string }[]
    expect(answers.filter(({ reason }) => reason === 'CODE_INVALID')).toHaveLength(20)
    expect(answers.filter(({ code }) => code === 'TOO_MANY_REQUESTS')).toHaveLength(40)
    const right = await completeLogin(first, await challengeOf(first, account), {
      totp: codeOf(account.secret),
    })
    expect(right.code).toBe('TOO_MANY_REQUESTS')
  })

  it('of somebody who knows the password do not keep the owner out, on a device that the account knows', async () => {
    const account = await signUpWithTotp(first)
    const opened = await completeLogin(first, await challengeOf(first, account), {
      recoveryCode: account.recoveryCodes[0],
    })
    const device = opened.headers.get('annul-device') ?? ''
    must(opened)
    const totp = wrongCode(account.secret)
    for (let round = 0; round < 4; round++) {
      const challenge = await challengeOf(first, account)
      for (let tries = 0; tries < 5; tries++) await completeLogin(first, challenge, { totp })
    }
    const challenge = await challengeOf(first, account)
    const code = { totp: codeOf(account.secret) }
    expect((await completeLogin(first, challenge, code)).code).toBe('TOO_MANY_REQUESTS')
    must(await completeLogin(first, challenge, code, { headers: headersOf({ device }) }))
  })

  it('are told by mail after five in a row, also where no challenge is dead', async () => {
    const account = await signUpWithTotp(first)
    const totp = wrongCode(account.secret)
    for (const tries of [4, 1]) {
      const challenge = await challengeOf(first, account)
      expect((await mailsTo(first, account.email)).map(({ kind }) => kind)).not.toContain(
        'second-factor-failed',
      )
      for (let tried = 0; tried < tries; tried++) await completeLogin(first, challenge, { totp })
    }
    expect((await mailsTo(first, account.email)).map(({ kind }) => kind)).toContain('second-factor-failed')
  })

  it('cost the account nothing where the challenge is none', async () => {
    const account = await signUpWithTotp(first)
    const unknown = 'A'.repeat(43)
    for (let tries = 0; tries < 25; tries++) {
      const answer = await completeLogin(
        first,
        unknown,
        { totp: '123456' },
        { headers: headersOf({ from: '10.2.0.1' }) },
      )
      expect(refusal(answer)).toEqual(
        refused({ code: 'BAD_USER_INPUT', argument: 'input.challenge', reason: 'CHALLENGE_INVALID' }),
      )
    }
    must(await completeLogin(first, await challengeOf(first, account), { totp: codeOf(account.secret) }))
    const [row] = (await first.rows(
      sql`select count(*)::int as count from annul.factor_challenges where user_id = ${account.userId}`,
    )) as { count: number }[]
    expect(row?.count).toBe(1)
  })
})
