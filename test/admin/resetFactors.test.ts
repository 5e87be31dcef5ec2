import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { newPassword, resetPassword } from '../support/account.ts'
import { claimsOf, must, refusal, refused } from '../support/answers.ts'
import type { Account } from '../support/client.ts'
import { type Device, deviceOf, openAdmin, openMfaAdmin } from '../support/devices.ts'
import {
  challengeOf,
  codeOf,
  completeLogin,
  enrollTotp,
  loginAnswer,
  reauthenticateWith,
  signUpWithTotp,
  type TotpAccount,
} from '../support/factors.ts'
import { makeToken } from '../support/oneTimeLinks.ts'
import { mailsTo } from '../support/outbox.ts'
import { makeAdmin, useSecondNode, useServer } from '../support/server.ts'
import {
  presentAccessToken,
  presentRefreshToken,
  refusedAccess,
  refusedRefresh,
} from '../support/tokenAnswers.ts'

const server = useServer()
const second = useSecondNode(server)
let admin: Device
beforeAll(async () => {
  admin = await openMfaAdmin(server)
})

const reset = (id: string, token = admin.accessToken) =>
  server.send<{ resetFactors: { id: string } }>(
    'mutation ($id: ID!) { resetFactors(id: $id) { id email } }',
    {
      variables: { id },
      token,
    },
  )
const delay = (on: boolean, token: string) =>
  server.send<{ delayFactorReset: { delay: boolean; at: string | null } }>(
    'mutation ($on: Boolean!) { delayFactorReset(delay: $on) { delay at } }',
    { variables: { on }, token },
  )
const readReset = async (token: string) =>
  must(
    await server.send<{ factorReset: { delay: boolean; at: string | null } }>(
      '{ factorReset { delay at } }',
      {
        token,
      },
    ),
  ).factorReset

const factorsOf = (userId: string) =>
  server.rows<{ kind: string }>(
    sql`select kind from annul.factors where user_id = ${userId} and confirmed_at is not null order by kind`,
  )
const both = [{ kind: 'RECOVERY_CODE' }, { kind: 'TOTP' }]
const kindsOf = async ({ userId }: Account) => {
  const found = await server.rows<{ kind: string }>(
    sql`select kind from annul.audit_events where user_id = ${userId} and kind like '%factor-reset' or
      user_id = ${userId} and kind = 'reset-factors' order by id`,
  )
  return found.map(({ kind }) => kind)
}
const mailsOf = async ({ email }: Account) =>
  (await mailsTo(server, email)).map(({ kind }) => kind).filter(kind => kind.startsWith('factor'))

/** An account whose resets wait, and whose factors an admin has reset. */
async function delayed(): Promise<TotpAccount> {
  const account = await signUpWithTotp(server)
  must(await delay(true, account.tokens.accessToken))
  must(await reset(account.userId))
  return account
}
/** An access token of a session in which a factor was used before the reset began. */
async function provedBefore({ tokens, userId }: TotpAccount): Promise<string> {
  await server.rows(
    sql`update annul.sessions set amr = '{pwd,otp,mfa}', factor_time = auth_time where user_id = ${userId}`,
  )
  return must(await server.refresh(tokens.refreshToken)).refresh.accessToken
}

/** The day is over. */
const letTimePass = ({ userId }: Account) =>
  server.rows(sql`update annul.users set factors_end_at = now() - interval '1 second' where id = ${userId}`)

async function expectEnded(...devices: Device[]): Promise<void> {
  for (const node of [server, second])
    for (const device of devices) {
      expect(await presentAccessToken(node, device.accessToken)).toEqual(refusedAccess('FACTOR_REMOVED'))
      expect(await presentRefreshToken(node, device)).toEqual(refusedRefresh('FACTOR_REMOVED'))
    }
}

describe('resetFactors', () => {
  it('removes all factors, and ends every session on both nodes when it returns (ASVS 5.0 6.4.4)', async () => {
    const account = await signUpWithTotp(server)
    const byFactor = must(
      await completeLogin(second, await challengeOf(server, account), { totp: codeOf(account.secret) }),
    ).completeLogin
    const waiting = await challengeOf(server, account)
    expect(must(await reset(account.userId))).toEqual({
      resetFactors: { id: account.userId, email: account.email },
    })
    await expectEnded(deviceOf(account.tokens), deviceOf(byFactor))
    expect(await factorsOf(account.userId)).toEqual([])
    const answer = await completeLogin(server, waiting, { recoveryCode: account.recoveryCodes[0] })
    expect(answer.reason).toBe('CHALLENGE_INVALID')
    // The password stays, and opens a session alone.
    const { accessToken } = await server.login(account)
    expect(claimsOf(accessToken)).toMatchObject({ amr: ['pwd'] })

    expect(await mailsOf(account)).toEqual(['factors-changed', 'factors-reset'])
    const mail = (await mailsTo(server, account.email)).find(({ kind }) => kind === 'factors-reset')
    expect(mail?.detail).toEqual({})
    expect(
      await server.rows(sql`
        select actor_id, session_id, detail from annul.audit_events
        where user_id = ${account.userId} and kind = 'reset-factors'`),
    ).toEqual([{ actor_id: admin.userId, session_id: admin.sessionId, detail: null }])
    // Factors can be added anew.
    await enrollTotp(server, accessToken)
    expect(await factorsOf(account.userId)).toEqual(both)
  })

  it('wants an admin who has given a second factor just now', async () => {
    const account = await signUpWithTotp(server)
    const wanted = {
      code: 'REAUTHENTICATION_REQUIRED',
      maxAge: 300,
      mfa: true,
      recover: 'REAUTHENTICATE',
    }
    const byPassword = await openAdmin(server)
    expect(refusal(await reset(account.userId, byPassword.accessToken))).toEqual(refused(wanted))
    expect(await factorsOf(account.userId)).toEqual(both)

    // An admin with an app of one's own.
    const own = await signUpWithTotp(server)
    await makeAdmin(server, own.email)
    const { accessToken } = must(await server.refresh(own.tokens.refreshToken)).refresh
    expect(refusal(await reset(account.userId, accessToken))).toEqual(refused(wanted))
    const proved = must(await reauthenticateWith(server, accessToken, { totp: codeOf(own.secret) }))
    must(await reset(account.userId, proved.reauthenticateWith.accessToken))
    expect(await factorsOf(account.userId)).toEqual([])
  })

  it('wants the factor itself of the last five minutes: an old one and the password now are not enough', async () => {
    const admin = await openMfaAdmin(server)
    await server.rows(sql`update annul.sessions set factor_time = factor_time - interval '301 seconds'
      where id = ${admin.sessionId}`)
    const { userId } = await signUpWithTotp(server)
    const answer = await server.send(`mutation { resetFactors(id: "${userId}") { id } }`, {
      token: admin.accessToken,
    })
    expect(answer.code).toBe('REAUTHENTICATION_REQUIRED')
    expect(answer.errors?.[0]?.extensions).toMatchObject({ maxAge: 300, mfa: true })
    expect(await factorsOf(userId)).toEqual(both)
  })

  it('refuses others, the own account, unknown and deleted ids, and changes nothing', async () => {
    const account = await signUpWithTotp(server)
    const stranger = await server.signUp()
    const gone = await server.signUp()
    must(await server.send(`mutation { deleteUser(id: "${gone.userId}") }`, { token: admin.accessToken }))
    const state = () => server.rows(sql`select * from annul.users order by id`)
    const before = await state()
    expect(refusal(await reset(account.userId, stranger.accessToken))).toEqual(
      refused({ code: 'FORBIDDEN', required: { roles: ['admin'] } }),
    )
    expect(refusal(await reset(admin.userId))).toEqual(
      refused({ code: 'BAD_USER_INPUT', argument: 'id', reason: 'OWN_ACCOUNT' }),
    )
    for (const id of [randomUUID(), gone.userId])
      expect(refusal(await reset(id))).toEqual(refused({ code: 'NOT_FOUND' }))
    expect(await state()).toEqual(before)
  })

  it('is not undone by a login that it meets: no session lives on that was opened with the factors', async () => {
    for (let round = 0; round < 10; round++) {
      const account = await signUpWithTotp(server)
      const challenge = await challengeOf(server, account)
      const [answer, done] = await Promise.all([
        completeLogin(second, challenge, { recoveryCode: account.recoveryCodes[0] }),
        reset(account.userId),
      ])
      must(done)
      const tokens = answer.data?.completeLogin
      if (tokens) await expectEnded(deviceOf(tokens))
      else expect(['CHALLENGE_INVALID', 'CODE_INVALID']).toContain(answer.reason)
    }
  })
})

describe('a reset that waits a day', () => {
  it('begins with a mail and an event, and ends nothing', async () => {
    const account = await signUpWithTotp(server)
    expect(must(await delay(true, account.tokens.accessToken)).delayFactorReset).toEqual({
      delay: true,
      at: null,
    })
    const begun = Date.now()
    must(await reset(account.userId))
    const { at } = await readReset(account.tokens.accessToken)
    const hours = (Date.parse(at ?? '') - begun) / 3_600_000
    expect(hours).toBeCloseTo(24, 0)
    expect(await factorsOf(account.userId)).toEqual(both)
    expect(await loginAnswer(server, account)).toMatchObject({ code: 'SECOND_FACTOR_REQUIRED' })
    expect(await kindsOf(account)).toEqual(['delay-factor-reset', 'begin-factor-reset'])
    const mails = await mailsTo(server, account.email)
    expect(mails.find(({ kind }) => kind === 'factor-reset-begun')?.detail).toEqual({ takesEffect: at })

    // Another call changes nothing, and does not begin the day anew.
    must(await reset(account.userId))
    expect(await readReset(account.tokens.accessToken)).toEqual({ delay: true, at })
    expect(await kindsOf(account)).toEqual(['delay-factor-reset', 'begin-factor-reset'])
    expect(await mailsOf(account)).toEqual(['factors-changed', 'factor-reset-begun'])
  })

  it.each([
    [
      'a login with the factor',
      async (account: TotpAccount) => {
        const challenge = await challengeOf(server, account)
        must(await completeLogin(server, challenge, { recoveryCode: account.recoveryCodes[0] }))
      },
    ],
    [
      'a proof by the factor',
      async ({ tokens, secret }: TotpAccount) =>
        must(await reauthenticateWith(server, tokens.accessToken, { totp: codeOf(secret) })),
    ],
    [
      'a reset of the password with the factor',
      async (account: TotpAccount) => {
        const token = await makeToken(server, 'reset-password', account)
        const asked = await resetPassword(server, token, account.password)
        const challenge = String(asked.errors?.[0]?.extensions.challenge)
        must(await completeLogin(server, challenge, { totp: codeOf(account.secret) }))
      },
    ],
    [
      'another factor that is added',
      async (account: TotpAccount) => {
        await enrollTotp(server, await provedBefore(account))
      },
    ],
    [
      'new recovery codes',
      async (account: TotpAccount) =>
        must(await server.send('mutation { makeRecoveryCodes }', { token: await provedBefore(account) })),
    ],
  ])('is stopped by %s', async (_, act) => {
    const account = await delayed()
    await act(account)
    expect(await kindsOf(account)).toEqual(['delay-factor-reset', 'begin-factor-reset', 'stop-factor-reset'])
    const [row] = await server.rows(
      sql`select delay_factor_reset, factors_end_at from annul.users where id = ${account.userId}`,
    )
    expect(row).toEqual({ delay_factor_reset: true, factors_end_at: null })
    expect(await loginAnswer(server, account)).toMatchObject({ code: 'SECOND_FACTOR_REQUIRED' })
    // The next one waits for a day of its own.
    must(await reset(account.userId))
    expect((await kindsOf(account)).at(-1)).toBe('begin-factor-reset')
  })

  it('is stopped by the removal of the last factor, and ends nothing later', async () => {
    const account = await delayed()
    const token = await provedBefore(account)
    must(await server.send(`mutation { removeFactor(id: "${account.factorId}") }`, { token }))
    expect((await kindsOf(account)).at(-1)).toBe('stop-factor-reset')
    // As a row of another time may have it.
    await letTimePass(account)
    await server.login(account)
    expect(await presentAccessToken(server, token)).toMatchObject({ status: 200 })
  })

  it('is not stopped by the password alone, by a wrong code, or by a refresh', async () => {
    const account = await delayed()
    const challenge = await challengeOf(server, account)
    expect((await completeLogin(server, challenge, { recoveryCode: '0000-0000-0000-0000' })).code).toBe(
      'BAD_USER_INPUT',
    )
    await reauthenticateWith(server, account.tokens.accessToken, { recoveryCode: '0000-0000-0000-0000' })
    must(await server.refresh(account.tokens.refreshToken))
    expect(await kindsOf(account)).toEqual(['delay-factor-reset', 'begin-factor-reset'])
    expect((await readReset(account.tokens.accessToken)).at).not.toBeNull()
  })

  it('takes effect at the next login after the day: factors and sessions end, and the password suffices', async () => {
    const account = await delayed()
    const meanwhile = deviceOf(must(await server.refresh(account.tokens.refreshToken)).refresh)
    await letTimePass(account)
    // Whoever does not know the password changes nothing.
    expect((await loginAnswer(server, { ...account, password: 'a wrong password' })).code).toBe(
      'INVALID_CREDENTIALS',
    )
    expect(await factorsOf(account.userId)).toEqual(both)

    const tokens = await second.login(account)
    await expectEnded(meanwhile)
    expect(await presentAccessToken(server, tokens.accessToken)).toMatchObject({ status: 200 })
    expect(await factorsOf(account.userId)).toEqual([])
    expect(await readReset(tokens.accessToken)).toEqual({ delay: true, at: null })
    expect((await kindsOf(account)).slice(1)).toEqual(['begin-factor-reset', 'reset-factors'])
    expect((await mailsOf(account)).slice(1)).toEqual(['factor-reset-begun', 'factors-reset'])
    expect(
      await server.rows(sql`
        select actor_id, detail from annul.audit_events
        where user_id = ${account.userId} and kind = 'reset-factors'`),
    ).toEqual([{ actor_id: null, detail: 'the delay was over' }])
  })

  it('takes effect once, however many logins come at once, and all of them succeed', async () => {
    const account = await delayed()
    await letTimePass(account)
    const nodes = [server, second]
    const opened = await Promise.all(
      Array.from({ length: 6 }, (_, at) => (nodes[at % 2] ?? server).login(account)),
    )
    expect((await kindsOf(account)).slice(2)).toEqual(['reset-factors'])
    for (const { accessToken } of opened)
      expect(await presentAccessToken(server, accessToken)).toMatchObject({ status: 200 })
  })

  it('takes effect by the next call of an admin', async () => {
    const account = await delayed()
    await letTimePass(account)
    must(await reset(account.userId))
    await expectEnded(deviceOf(account.tokens))
    expect(await factorsOf(account.userId)).toEqual([])
    expect((await kindsOf(account)).slice(1)).toEqual(['begin-factor-reset', 'reset-factors'])
  })

  it('takes effect by a reset of the password, which asks for no factor', async () => {
    const account = await delayed()
    const token = await makeToken(server, 'reset-password', account)
    // A minute before it does ask.
    expect((await resetPassword(server, token, newPassword())).code).toBe('SECOND_FACTOR_REQUIRED')
    await letTimePass(account)
    const password = newPassword()
    const { accessToken } = must(await resetPassword(server, token, password)).resetPassword
    expect(claimsOf(accessToken)).toMatchObject({ amr: ['pwd'] })
    expect(await presentAccessToken(second, account.tokens.accessToken)).toEqual(
      refusedAccess('PASSWORD_CHANGED'),
    )
    expect(await factorsOf(account.userId)).toEqual([])
    expect((await mailsOf(account)).slice(2)).toEqual(['factors-reset'])
    await server.login({ ...account, password })
  })

  it('is a matter of a person who has factors: an account without any is reset at once', async () => {
    const account = await server.signUp()
    must(await delay(true, account.accessToken))
    must(await reset(account.userId))
    await expectEnded(deviceOf(account))
  })
})

describe('delayFactorReset', () => {
  it('is turned on by a fresh proof, and off by a factor where the account has one', async () => {
    const account = await signUpWithTotp(server)
    const { accessToken } = account.tokens
    must(await delay(true, accessToken))
    expect(refusal(await delay(false, accessToken))).toEqual(
      refused({ code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, mfa: true, recover: 'REAUTHENTICATE' }),
    )
    expect(await readReset(accessToken)).toEqual({ delay: true, at: null })
    const proved = must(await reauthenticateWith(server, accessToken, { totp: codeOf(account.secret) }))
    expect(must(await delay(false, proved.reauthenticateWith.accessToken)).delayFactorReset).toEqual({
      delay: false,
      at: null,
    })
    expect(
      await server.rows(sql`
        select actor_id, session_id, detail from annul.audit_events
        where user_id = ${account.userId} and kind = 'delay-factor-reset' order by id`),
    ).toEqual([
      { actor_id: account.userId, session_id: account.tokens.session.id, detail: 'on' },
      { actor_id: account.userId, session_id: account.tokens.session.id, detail: 'off' },
    ])
  })

  it('needs no factor of an account without any, and leaves no event where nothing changes', async () => {
    const account = await server.signUp()
    must(await delay(false, account.accessToken))
    expect(await kindsOf(account)).toEqual([])
    must(await delay(true, account.accessToken))
    must(await delay(false, account.accessToken))
    expect(await kindsOf(account)).toEqual(['delay-factor-reset', 'delay-factor-reset'])
  })
})

describe('recoverAccount of an account with factors', () => {
  it('wants an admin with a second factor, as a reset of the factors does', async () => {
    const account = await signUpWithTotp(server)
    const recover = (token: string) =>
      server.send(`mutation { recoverAccount(id: "${account.userId}") { id } }`, { token })
    const { accessToken } = await openAdmin(server)
    expect(refusal(await recover(accessToken))).toEqual(
      refused({ code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, mfa: true, recover: 'REAUTHENTICATE' }),
    )
    expect(await factorsOf(account.userId)).toEqual(both)
    must(await recover(admin.accessToken))
  })

  it('ends a delay and a reset that waits: a thief may have asked for them', async () => {
    const account = await delayed()
    const { recoverAccount } = must(
      await server.send<{ recoverAccount: { id: string } }>(
        `mutation { recoverAccount(id: "${account.userId}") { id } }`,
        { token: admin.accessToken },
      ),
    )
    expect(
      await server.rows(sql`
        select delay_factor_reset, factors_end_at from annul.users
        where id in (${account.userId}, ${recoverAccount.id})`),
    ).toEqual(Array(2).fill({ delay_factor_reset: false, factors_end_at: null }))
    expect(await factorsOf(recoverAccount.id)).toEqual([])
  })
})

describe('a deleted account', () => {
  it.each([
    ['deleteUser', (id: string) => [`deleteUser(id: "${id}")`, () => admin.accessToken] as const],
    ['deleteAccount', () => ['deleteAccount', undefined] as const],
  ])('by %s keeps neither factors nor codes nor challenges', async (_, field) => {
    const account = await delayed()
    await challengeOf(server, account)
    const [query, token] = field(account.userId)
    must(await server.send(`mutation { ${query} }`, { token: token?.() ?? account.tokens.accessToken }))
    const left = await server.rows(sql`
      select (select count(*)::int from annul.factors where user_id = u.id) as factors,
        (select count(*)::int from annul.recovery_codes c
          where not exists (select from annul.factors f where f.id = c.factor_id)) as codes,
        (select count(*)::int from annul.factor_challenges where user_id = u.id) as challenges,
        delay_factor_reset, factors_end_at
      from annul.users u where id = ${account.userId}`)
    expect(left).toEqual([
      { factors: 0, codes: 0, challenges: 0, delay_factor_reset: false, factors_end_at: null },
    ])
  })
})
