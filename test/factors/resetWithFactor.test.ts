import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import {
  changeEmail,
  newAddress,
  newPassword,
  requestPasswordReset,
  resetPassword,
  restoreEmail,
  verifyEmail,
} from '../support/account.ts'
import { claimsOf, must, refusal, refused } from '../support/answers.ts'
import { type Account, tokenFields } from '../support/client.ts'
import { deviceOf, openMfaAdmin } from '../support/devices.ts'
import {
  challengeOf,
  codeOf,
  completeLogin,
  loginAnswer,
  signUpWithTotp,
  type TotpAccount,
  wrongCode,
} from '../support/factors.ts'
import { makeToken } from '../support/oneTimeLinks.ts'
import { mailOf, mailsTo } from '../support/outbox.ts'
import { useSecondNode, useServer } from '../support/server.ts'
import { presentAccessToken, refusedAccess } from '../support/tokenAnswers.ts'

/* Whoever reads the mails of an account with a second factor gets no further than to the question for the factor. */

const server = useServer()
const second = useSecondNode(server)

const challengeInvalid = refused({
  code: 'BAD_USER_INPUT',
  argument: 'input.challenge',
  reason: 'CHALLENGE_INVALID',
})
const codeInvalid = refused({
  code: 'BAD_USER_INPUT',
  argument: 'input.factor.totp',
  reason: 'CODE_INVALID',
})

/** An account whose password is being reset: its link, and the challenge of the new password. */
async function waiting(account?: TotpAccount) {
  const own = account ?? (await signUpWithTotp(server))
  const token = await makeToken(server, 'reset-password', own)
  const password = newPassword()
  return { account: own, token, password, challenge: await resetChallenge(token, password) }
}

async function resetChallenge(token: string, password: string): Promise<string> {
  const answer = await resetPassword(server, token, password)
  const challenge = answer.errors?.[0]?.extensions.challenge
  if (typeof challenge !== 'string') throw new Error(`No challenge: ${JSON.stringify(answer)}`)
  return challenge
}

/** What a reset changes. */
async function stateOf({ userId }: Account) {
  const [row] = await server.rows(sql`
    select password_hash, token_version, session_version, email_verified,
      (select count(*)::int from annul.sessions where user_id = u.id) as sessions,
      (select count(*)::int from annul.one_time_tokens where user_id = u.id and ended_at is null) as links
    from annul.users u where id = ${userId}`)
  return row
}

/** The answer to a login with a password that is right, of an account with an app. */
const asksForFactor = { code: 'SECOND_FACTOR_REQUIRED' }

describe('a reset of the password of an account with a second factor', () => {
  it('asks for the factor, and changes nothing before', async () => {
    const account = await signUpWithTotp(server)
    const token = await makeToken(server, 'reset-password', account)
    const before = await stateOf(account)
    const answer = await resetPassword(server, token, newPassword())
    expect(refusal(answer)).toEqual(
      refused({
        code: 'SECOND_FACTOR_REQUIRED',
        challenge: expect.stringMatching(/^[\w-]{43}$/),
        methods: ['TOTP', 'RECOVERY_CODE'],
        recover: 'SECOND_FACTOR',
      }),
    )
    expect(answer.headers.getSetCookie().join()).not.toContain('refresh')
    expect(await stateOf(account)).toEqual(before)
    expect((await presentAccessToken(second, account.tokens.accessToken)) as object).toMatchObject({
      status: 200,
    })
    expect((await mailsTo(server, account.email)).map(({ kind }) => kind)).not.toContain('password-changed')
    expect(await loginAnswer(server, account)).toMatchObject(asksForFactor)
  })

  it('changes the password together with the factor; other sessions are dead on both nodes when it returns', async () => {
    const { account, token, password, challenge } = await waiting()
    const other = must(
      await completeLogin(server, await challengeOf(server, account), {
        recoveryCode: account.recoveryCodes[0],
      }),
    ).completeLogin
    const olds = [account.tokens.accessToken, other.accessToken]
    for (const old of olds) expect(await presentAccessToken(second, old)).toMatchObject({ status: 200 })

    const tokens = must(
      await completeLogin(second, challenge, { totp: codeOf(account.secret) }),
    ).completeLogin
    for (const node of [server, second])
      for (const old of olds)
        expect(await presentAccessToken(node, old)).toEqual(refusedAccess('PASSWORD_CHANGED'))
    expect(claimsOf(tokens.accessToken)).toMatchObject({ sub: account.userId, amr: ['pwd', 'otp', 'mfa'] })
    must(await server.refresh(tokens.refreshToken))
    expect(await loginAnswer(server, account)).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect(await loginAnswer(server, { ...account, password })).toMatchObject(asksForFactor)
    expect((await resetPassword(server, token, newPassword())).reason).toBe('TOKEN_INVALID')
    expect(refusal(await completeLogin(server, challenge, { totp: codeOf(account.secret, 1) }))).toEqual(
      challengeInvalid,
    )
    await mailOf(server, 'password-changed', account.email)
    const events = await server.rows(sql`
      select kind, session_id from annul.audit_events
      where user_id = ${account.userId} and kind = 'reset-password'`)
    expect(events).toEqual([{ kind: 'reset-password', session_id: tokens.session.id }])
  })

  it('honours the wish for a cookie', async () => {
    const { account, challenge } = await waiting()
    const answer = await server.send<{ completeLogin: { refreshToken: string | null } }>(
      `mutation ($input: CompleteLoginInput!) { completeLogin(input: $input) { ${tokenFields} } }`,
      {
        variables: { input: { challenge, factor: { totp: codeOf(account.secret) }, cookie: true } },
        headers: { origin: server.url },
      },
    )
    expect(must(answer).completeLogin.refreshToken).toBeNull()
    expect(answer.headers.getSetCookie().join()).toContain('__Host-annul-refresh=')
  })

  it('is dead after five wrong codes, while the link, the old password and the sessions live', async () => {
    const { account, token, challenge } = await waiting()
    const before = await stateOf(account)
    for (let tries = 0; tries < 5; tries++)
      expect(refusal(await completeLogin(server, challenge, { totp: wrongCode(account.secret) }))).toEqual(
        codeInvalid,
      )
    expect(refusal(await completeLogin(server, challenge, { totp: codeOf(account.secret) }))).toEqual(
      challengeInvalid,
    )
    expect(await stateOf(account)).toEqual(before)
    expect(await presentAccessToken(server, account.tokens.accessToken)).toMatchObject({ status: 200 })
    expect(await loginAnswer(server, account)).toMatchObject(asksForFactor)

    const password = newPassword()
    const again = await resetChallenge(token, password)
    must(await completeLogin(server, again, { totp: codeOf(account.secret) }))
    expect(await loginAnswer(server, { ...account, password })).toMatchObject(asksForFactor)
  })

  it('is completed by one challenge of a link: another one is refused afterwards, and sets no password', async () => {
    const { account, token, password, challenge } = await waiting()
    const later = await resetChallenge(token, newPassword())
    must(await completeLogin(server, challenge, { totp: codeOf(account.secret) }))
    const before = await stateOf(account)
    const answer = await completeLogin(server, later, { recoveryCode: account.recoveryCodes[0] })
    expect(refusal(answer)).toEqual(challengeInvalid)
    expect(await stateOf(account)).toEqual(before)
    expect(await loginAnswer(server, { ...account, password })).toMatchObject(asksForFactor)
    // The refused one has used up no code.
    const login = await challengeOf(server, { ...account, password })
    must(await completeLogin(server, login, { recoveryCode: account.recoveryCodes[0] }))
  })

  it('is completed once: of 20 answers at once on two nodes, one wins', async () => {
    const { account, token } = await waiting()
    const passwords = Array.from({ length: 4 }, newPassword)
    const challenges: string[] = []
    for (const password of passwords) challenges.push(await resetChallenge(token, password))
    const nodes = [server, second]
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => {
        const factor =
          at % 3 === 0
            ? { totp: codeOf(account.secret) }
            : { recoveryCode: account.recoveryCodes[at % account.recoveryCodes.length] }
        return completeLogin(nodes[at % 2] ?? server, challenges[at % 4] ?? '', factor)
      }),
    )
    const won = answers.flatMap(({ data }) => data?.completeLogin ?? [])
    expect(won).toHaveLength(1)
    expect(answers.flatMap(({ errors }) => errors?.map(({ extensions }) => extensions.code) ?? [])).toEqual(
      Array(19).fill('BAD_USER_INPUT'),
    )
    const codes = await Promise.all(passwords.map(password => loginAnswer(server, { ...account, password })))
    expect(codes.map(({ code }) => code).sort()).toEqual([
      ...Array(3).fill('INVALID_CREDENTIALS'),
      'SECOND_FACTOR_REQUIRED',
    ])
    must(await server.refresh(won[0]?.refreshToken ?? ''))
  })

  it('takes no factor of another account', async () => {
    const { account, challenge } = await waiting()
    const thief = await signUpWithTotp(server)
    const before = await stateOf(account)
    expect(refusal(await completeLogin(server, challenge, { totp: codeOf(thief.secret) }))).toEqual(
      codeInvalid,
    )
    const byCode = await completeLogin(server, challenge, { recoveryCode: thief.recoveryCodes[0] })
    expect(byCode.reason).toBe('CODE_INVALID')
    expect(await stateOf(account)).toEqual(before)
  })

  it('is not what the challenge of a login completes, nor the other way round', async () => {
    const { account, token, challenge } = await waiting()
    const before = await stateOf(account)
    // A login leaves link and password as they are.
    const login = await challengeOf(server, account)
    must(await completeLogin(server, login, { recoveryCode: account.recoveryCodes[0] }))
    expect(await stateOf(account)).toMatchObject({ ...(before as object), sessions: 2 })
    // The page of the link opens no session, and takes no challenge of a login.
    const factor = { code: account.recoveryCodes[1] ?? '', challenge: await challengeOf(server, account) }
    const page = await fetch(`${server.url}/account/reset-password`, {
      method: 'POST',
      body: new URLSearchParams(factor),
    })
    expect(page.status).toBe(400)
    expect(await stateOf(account)).toMatchObject({ ...(before as object), sessions: 2 })
    // A reset opens a session only with the new password set.
    must(await completeLogin(server, challenge, { recoveryCode: account.recoveryCodes[1] }))
    expect((await resetPassword(server, token, newPassword())).reason).toBe('TOKEN_INVALID')
    expect(await loginAnswer(server, account)).toMatchObject({ code: 'INVALID_CREDENTIALS' })
  })

  it.each([
    [
      'the password was changed',
      async ({ tokens, password }: TotpAccount) =>
        must(
          await server.send(
            'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }',
            {
              token: tokens.accessToken,
              variables: { input: { currentPassword: password, newPassword: newPassword() } },
            },
          ),
        ),
    ],
    [
      'a newer link was asked for',
      async ({ email }: TotpAccount) => must(await requestPasswordReset(server, email)),
    ],
    [
      'the link has expired',
      ({ userId }: TotpAccount) =>
        server.rows(sql`update annul.one_time_tokens set expires_at = now() where user_id = ${userId}`),
    ],
    [
      'the challenge has expired',
      ({ userId }: TotpAccount) =>
        server.rows(sql`update annul.factor_challenges set expires_at = now() where user_id = ${userId}`),
    ],
    [
      'the account was blocked',
      async ({ userId }: TotpAccount) => {
        const { accessToken: token } = await openMfaAdmin(server)
        must(await server.send(`mutation { blockUser(id: "${userId}") { id } }`, { token }))
      },
    ],
  ])('is refused where %s meanwhile', async (_, happens) => {
    const { account, challenge } = await waiting()
    await happens(account)
    const before = await stateOf(account)
    const answer = await completeLogin(server, challenge, { totp: codeOf(account.secret) })
    expect(refusal(answer)).toEqual(challengeInvalid)
    expect(await stateOf(account)).toEqual(before)
  })
})

describe('the mails that lead to a new password', () => {
  it('that of restoreEmail leads through the factor', async () => {
    const account = await signUpWithTotp(server)
    // A thief with a session has changed the address.
    const stolen = newAddress()
    must(await changeEmail(server, account.tokens.accessToken, stolen))
    must(await verifyEmail(server, (await mailOf(server, 'confirm-new-email', stolen)).token))
    must(await restoreEmail(server, (await mailOf(server, 'email-changed', account.email)).token))

    const { token } = await mailOf(server, 'reset-password', account.email)
    const password = newPassword()
    const challenge = await resetChallenge(token, password)
    expect(await loginAnswer(server, { ...account, password })).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    must(await completeLogin(server, challenge, { totp: codeOf(account.secret) }))
    expect(await loginAnswer(server, { ...account, password })).toMatchObject(asksForFactor)
  })

  it('that of recoverAccount asks for no factor: the factors are gone, and their challenges dead', async () => {
    const { account, challenge } = await waiting()
    const login = await challengeOf(server, account)
    const session = deviceOf(account.tokens)
    const admin = await openMfaAdmin(server)
    must(
      await server.send(`mutation { recoverAccount(id: "${account.userId}") { id } }`, {
        token: admin.accessToken,
      }),
    )
    for (const dead of [challenge, login])
      expect(refusal(await completeLogin(server, dead, { totp: codeOf(account.secret) }))).toEqual(
        challengeInvalid,
      )
    expect(await presentAccessToken(server, session.accessToken)).toEqual(refusedAccess('ACCOUNT_RECOVERED'))
    const { token, userId } = await mailOf(server, 'account-recovered', account.email)
    const password = newPassword()
    const { resetPassword: tokens } = must(await resetPassword(server, token, password))
    expect(tokens.user.id).toBe(userId)
    await server.login({ email: account.email, password })
    const left = await server.rows(sql`
      select id from annul.factors where user_id in (${account.userId}, ${userId})`)
    expect(left).toEqual([])
  })
})
