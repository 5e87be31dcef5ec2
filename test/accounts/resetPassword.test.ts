import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import {
  changeEmail,
  deviceIn,
  newAddress,
  newPassword,
  requestEmailVerification,
  requestPasswordReset,
  resetPassword,
  verifyEmail,
} from '../support/account.ts'
import { must, refusal, refused } from '../support/answers.ts'
import { deviceOf, openAdmin } from '../support/devices.ts'
import { expire, mailOf, mailsTo } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'
import {
  presentAccessToken,
  presentRefreshToken,
  refusedAccess,
  refusedRefresh,
} from '../support/tokenAnswers.ts'

const server = useServer()
const tokenInvalid = refused({ code: 'BAD_USER_INPUT', argument: 'input.token', reason: 'TOKEN_INVALID' })

async function requested() {
  const account = await server.signUp()
  must(await requestPasswordReset(server, account.email))
  return { account, token: (await mailOf(server, 'reset-password', account.email)).token }
}

describe('requestPasswordReset', () => {
  it('sends a link to the stored address, and never to the typed one', async () => {
    const { email, userId } = await server.signUp()
    const stored = `Stored.${email}`
    await server.rows(
      sql`update annul.users set email = ${stored}, email_key = ${stored.toLowerCase()} where id = ${userId}`,
    )
    const typed = stored.toUpperCase().replace('EXAMPLE', 'ｅxample')
    expect(must(await requestPasswordReset(server, typed))).toEqual({ requestPasswordReset: true })
    const mails = (await mailsTo(server)).filter(mail => mail.userId === userId)
    expect(mails.map(({ kind, recipient }) => ({ kind, recipient }))).toEqual([
      { kind: 'reset-password', recipient: stored },
    ])
    expect(mails[0]?.detail).toEqual({ ipAddress: '127.0.0.1', device: expect.any(String) })
  })

  it('answers alike for nobody, and for blocked and deleted accounts, which get no mail', async () => {
    const admin = await openAdmin(server)
    const [blocked, deleted] = [await server.signUp(), await server.signUp()]
    const by = (field: string) => server.send(`mutation { ${field} }`, { token: admin.accessToken })
    must(await by(`blockUser(id: "${blocked.userId}") { id }`))
    must(await by(`deleteUser(id: "${deleted.userId}")`))
    const nobody = newAddress()
    for (const email of [blocked.email, deleted.email, nobody]) {
      const answer = await requestPasswordReset(server, email)
      expect({ status: answer.status, data: answer.data, errors: answer.errors }).toEqual({
        ...{ status: 200, data: { requestPasswordReset: true }, errors: undefined },
      })
      expect(deviceIn(answer)).toEqual({ 'annul-device': expect.stringMatching(/^annul_d_/) })
      expect(await mailsTo(server, email)).toEqual([])
    }
  })
})

describe('resetPassword', () => {
  it('sets the password, ends every other session, and opens one here (ASVS 5.0 6.4.3)', async () => {
    const { account, token } = await requested()
    const [here, there] = [deviceOf(account), deviceOf(await server.login(account))]
    const password = newPassword()
    const { resetPassword: tokens } = must(await resetPassword(server, token, password))
    for (const device of [here, there]) {
      expect(await presentAccessToken(server, device.accessToken)).toEqual(refusedAccess('PASSWORD_CHANGED'))
      expect(await presentRefreshToken(server, device)).toEqual(refusedRefresh('PASSWORD_CHANGED'))
    }
    const me = await server.send('{ me { id emailVerified } }', { token: tokens.accessToken })
    expect(me.data).toEqual({ me: { id: account.userId, emailVerified: true } })
    must(await server.refresh(tokens.refreshToken))
    await expect(server.login(account)).rejects.toThrow('INVALID_CREDENTIALS')
    expect((await server.login({ ...account, password })).user.id).toBe(account.userId)
    const kinds = (await mailsTo(server, account.email)).map(({ kind }) => kind)
    expect(kinds.sort()).toEqual(['password-changed', 'reset-password'])
    expect(
      await server.rows(sql`select detail from annul.audit_events where user_id = ${account.userId}
      and kind in ('request-password-reset', 'reset-password')`),
    ).toHaveLength(2)
  })

  it('works for an account without a password, and in cookie mode', async () => {
    const { account, token } = await requested()
    await server.rows(sql`update annul.users set password_hash = null where id = ${account.userId}`)
    const headers = { origin: server.url }
    const answer = await resetPassword(server, token, newPassword(), { headers, cookie: true })
    expect(must(answer).resetPassword.refreshToken).toBeNull()
    expect(answer.headers.getSetCookie().join()).toContain('__Host-annul-refresh=')
  })

  it('checks the new password before it uses the token up', async () => {
    const { account, token } = await requested()
    for (const [password, reason] of [
      ['short', 'PASSWORD_TOO_SHORT'],
      [account.email, 'PASSWORD_IS_EMAIL'],
      ['x'.repeat(257), 'PASSWORD_TOO_LONG'],
    ] as const)
      expect(refusal(await resetPassword(server, token, password))).toEqual(
        refused({ code: 'BAD_USER_INPUT', argument: 'input.newPassword', reason }),
      )
    must(await resetPassword(server, token, newPassword()))
  })

  it('refuses all dead tokens alike (ASVS 5.0 6.4.1)', async () => {
    const used = await requested()
    must(await resetPassword(server, used.token, newPassword()))
    const expired = await requested()
    await expire(server, expired.token)
    const older = await requested()
    must(await requestPasswordReset(server, older.account.email))
    const blocked = await requested()
    const admin = await openAdmin(server)
    must(
      await server.send(`mutation { blockUser(id: "${blocked.account.userId}") { id } }`, {
        token: admin.accessToken,
      }),
    )
    const other = await server.signUp()
    must(await requestEmailVerification(server, other.accessToken))
    const foreign = (await mailOf(server, 'verify-email', other.email)).token
    const nobody = newAddress()
    must(await requestPasswordReset(server, nobody))
    const [row] = await server.rows<{ id: string }>(
      sql`select id from annul.one_time_tokens where email_key = ${nobody}`,
    )
    const ofNobody = server.auth.parts.oneTimeTokens.derive(row?.id ?? '')
    const tokens = [used.token, expired.token, older.token, blocked.token, foreign, ofNobody, 'garbage', '']
    for (const token of tokens)
      expect(refusal(await resetPassword(server, token, newPassword()))).toEqual(tokenInvalid)
  })

  it('kills the other tokens of the account, and so do changePassword and a changed e-mail', async () => {
    const acts: ((account: Awaited<ReturnType<typeof requested>>['account']) => Promise<unknown>)[] = [
      async account =>
        must(
          await server.send(
            `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }`,
            {
              token: account.accessToken,
              variables: { input: { currentPassword: account.password, newPassword: newPassword() } },
            },
          ),
        ),
      async account => {
        const email = newAddress()
        must(await changeEmail(server, account.accessToken, email))
        must(await verifyEmail(server, (await mailOf(server, 'confirm-new-email', email)).token))
      },
    ]
    for (const act of acts) {
      const { account, token } = await requested()
      await act(account)
      expect(refusal(await resetPassword(server, token, newPassword()))).toEqual(tokenInvalid)
    }
    const { account, token } = await requested()
    must(await requestEmailVerification(server, account.accessToken))
    const { token: verifying } = await mailOf(server, 'verify-email', account.email)
    must(await resetPassword(server, token, newPassword()))
    expect((await verifyEmail(server, verifying)).reason).toBe('TOKEN_INVALID')
  })
})
