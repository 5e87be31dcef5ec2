import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { claimsOf, must, refusal, refused } from '../support/answers.ts'
import {
  challengeOf,
  codeOf,
  completeLogin,
  loginAnswer,
  reauthenticateWith,
  signUpWithTotp,
  wrongCode,
} from '../support/factors.ts'
import { useSecondNode, useServer } from '../support/server.ts'

const server = useServer()
const second = useSecondNode(server)

const codeInvalid = (argument: string) =>
  refused({ code: 'BAD_USER_INPUT', argument, reason: 'CODE_INVALID' })
const challengeInvalid = refused({
  code: 'BAD_USER_INPUT',
  argument: 'input.challenge',
  reason: 'CHALLENGE_INVALID',
})

describe('a login with an authenticator app', () => {
  it('answers a challenge to the right password, and opens the session with the code (ASVS 5.0 6.3.3)', async () => {
    const account = await signUpWithTotp(server)
    const before = await server.rows(sql`select id from annul.sessions where user_id = ${account.userId}`)
    const answer = await loginAnswer(server, account)
    expect(refusal(answer)).toEqual(
      refused({
        code: 'SECOND_FACTOR_REQUIRED',
        challenge: expect.stringMatching(/^[\w-]{43}$/),
        methods: ['TOTP', 'RECOVERY_CODE'],
        recover: 'SECOND_FACTOR',
      }),
    )
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(await server.rows(sql`select id from annul.sessions where user_id = ${account.userId}`)).toEqual(
      before,
    )

    const challenge = String(answer.errors?.[0]?.extensions.challenge)
    const tokens = must(
      await completeLogin(second, challenge, { totp: codeOf(account.secret) }),
    ).completeLogin
    expect(claimsOf(tokens.accessToken)).toMatchObject({ amr: ['pwd', 'otp', 'mfa'] })
    const me = await server.send('{ me { id } }', { token: tokens.accessToken })
    expect(me.data).toEqual({ me: { id: account.userId } })
    const refreshed = must(await server.refresh(tokens.refreshToken)).refresh
    expect(claimsOf(refreshed.accessToken)).toMatchObject({ amr: ['pwd', 'otp', 'mfa'] })
  })

  it('takes each code and each challenge once: of 50 at once on two nodes, one wins (ASVS 5.0 6.5.1)', async () => {
    const account = await signUpWithTotp(server)
    const challenges = await Promise.all(Array.from({ length: 10 }, () => challengeOf(server, account)))
    const totp = codeOf(account.secret)
    const nodes = [server, second]
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        completeLogin(nodes[at % 2] ?? server, challenges[at % 10] ?? '', { totp }),
      ),
    )
    expect(answers.filter(({ data }) => data?.completeLogin).length).toBe(1)
  })

  it('is dead after five wrong codes', async () => {
    const account = await signUpWithTotp(server)
    const challenge = await challengeOf(server, account)
    const wrong = { totp: wrongCode(account.secret) }
    for (let tries = 0; tries < 5; tries++)
      expect(refusal(await completeLogin(server, challenge, wrong))).toEqual(codeInvalid('input.factor.totp'))
    const right = await completeLogin(server, challenge, { totp: codeOf(account.secret) })
    expect(refusal(right)).toEqual(challengeInvalid)
    const page = await (await fetch(`${server.url}/metrics`)).text()
    expect(page).toContain('annul_logins_total{outcome="factor-asked"}')
    expect(page).toMatch(/annul_logins_total\{outcome="factor-refused"\} \d+/)
  })

  it('takes each recovery code once, however it is typed', async () => {
    const account = await signUpWithTotp(server)
    const [code = ''] = account.recoveryCodes
    expect(account.recoveryCodes).toHaveLength(10)
    const typed = code.toLowerCase().replaceAll('-', ' ')
    must(await completeLogin(server, await challengeOf(server, account), { recoveryCode: typed }))
    const again = await completeLogin(server, await challengeOf(server, account), { recoveryCode: code })
    expect(refusal(again)).toEqual(codeInvalid('input.factor.recoveryCode'))
  })

  it('proves who the user is for one access token, and not for the session', async () => {
    const account = await signUpWithTotp(server)
    const answer = await reauthenticateWith(server, account.tokens.accessToken, {
      totp: codeOf(account.secret),
    })
    const { accessToken, refreshToken } = must(answer).reauthenticateWith
    expect(claimsOf(accessToken)).toMatchObject({ amr: ['pwd', 'otp', 'mfa'] })
    expect(refreshToken).toBe(account.tokens.refreshToken)
    const refreshed = must(await server.refresh(refreshToken)).refresh
    expect(claimsOf(refreshed.accessToken)).toMatchObject({ amr: ['pwd'] })
  })
})
