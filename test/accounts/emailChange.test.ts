import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { AppUser } from '../../src/app/user.ts'
import {
  changeEmail,
  newAddress,
  newPassword,
  requestEmailVerification,
  requestPasswordReset,
  resetPassword,
  restoreEmail,
  verifyEmail,
} from '../support/account.ts'
import { must, refusal, refused } from '../support/answers.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { deviceOf, openAdmin } from '../support/devices.ts'
import { mailOf, mailsTo } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'
import { presentRefreshToken, refusedRefresh } from '../support/tokenAnswers.ts'

const hooked: [name: string, user: AppUser][] = []
const note = (name: string) => (_tx: unknown, user: AppUser) => {
  hooked.push([name, user])
}
const server = useServer({
  app: { hooks: { emailVerified: note('emailVerified'), emailChanged: note('emailChanged') } },
})
const tokenInvalid = refused({ code: 'BAD_USER_INPUT', argument: 'token', reason: 'TOKEN_INVALID' })
const emailOf = async ({ userId }: Pick<Account, 'userId'>) => {
  const found = await server.rows<{ email: string }>(sql`select email from annul.users where id = ${userId}`)
  return found[0]?.email
}
const kindsTo = async (email: string) => (await mailsTo(server, email)).map(({ kind }) => kind)
const hooksOf = ({ userId }: Account) =>
  hooked.filter(([, { id }]) => id === userId).map(([name, { email }]) => [name, email])

/** Changes the e-mail, and uses the link. @returns the new e-mail */
async function change({ accessToken }: Pick<TokensAnswer, 'accessToken'>, email = newAddress()) {
  must(await changeEmail(server, accessToken, email))
  must(await verifyEmail(server, (await mailOf(server, 'confirm-new-email', email)).token))
  return email
}

describe('requestEmailVerification', () => {
  it('sends a link that verifies the e-mail; once verified, no mail is sent', async () => {
    const account = await server.signUp()
    const request = async () => must(await requestEmailVerification(server, account.accessToken))
    expect(await request()).toEqual({ requestEmailVerification: true })
    must(await verifyEmail(server, (await mailOf(server, 'verify-email', account.email)).token))
    const me = await server.send('{ me { emailVerified } }', { token: account.accessToken })
    expect(me.data).toEqual({ me: { emailVerified: true } })
    expect(await request()).toEqual({ requestEmailVerification: false })
    expect(await kindsTo(account.email)).toEqual(['verify-email'])
    expect(hooksOf(account)).toEqual([['emailVerified', account.email]])
  })

  it('makes an older link dead', async () => {
    const account = await server.signUp()
    must(await requestEmailVerification(server, account.accessToken))
    const { token: older } = await mailOf(server, 'verify-email', account.email)
    must(await requestEmailVerification(server, account.accessToken))
    expect(refusal(await verifyEmail(server, older))).toEqual(tokenInvalid)
    must(await verifyEmail(server, (await mailOf(server, 'verify-email', account.email)).token))
  })
})

describe('changeEmail', () => {
  it('answers with the unchanged user, and changes the e-mail when its link is used', async () => {
    const account = await server.signUp()
    const email = newAddress()
    expect(must(await changeEmail(server, account.accessToken, email))).toEqual({
      changeEmail: { id: account.userId, email: account.email, emailVerified: false, status: 'ACTIVE' },
    })
    expect(await emailOf(account)).toBe(account.email)
    must(await verifyEmail(server, (await mailOf(server, 'confirm-new-email', email)).token))
    expect(await emailOf(account)).toBe(email)
    expect(await kindsTo(account.email)).toEqual(['email-changed'])
    expect((await server.login({ ...account, email })).user.id).toBe(account.userId)
    await expect(server.login(account)).rejects.toThrow('INVALID_CREDENTIALS')
    expect(hooksOf(account)).toEqual([['emailChanged', email]])
    must(await server.refresh(account.refreshToken))
  })

  it('answers alike for a taken address, and nothing changes but that its owner gets a mail', async () => {
    const [account, owner] = [await server.signUp(), await server.signUp()]
    const free = await changeEmail(server, account.accessToken, newAddress())
    const taken = await changeEmail(server, account.accessToken, owner.email.toUpperCase())
    const told = ({ status, data, errors, headers }: typeof free) => {
      return {
        status,
        data,
        errors,
        names: [...headers.keys()].filter(name => name !== 'annul-device').sort(),
      }
    }
    expect(told(taken)).toEqual(told(free))
    expect(await kindsTo(owner.email)).toEqual(['address-taken'])
    expect((await mailOf(server, 'address-taken', owner.email)).token).toBe('')
  })

  it('finds an address that was taken before the link was used, and changes nothing', async () => {
    const account = await server.signUp()
    const email = newAddress()
    must(await changeEmail(server, account.accessToken, email))
    const { token } = await mailOf(server, 'confirm-new-email', email)
    await change(await server.signUp(), email)
    expect(refusal(await verifyEmail(server, token))).toEqual(tokenInvalid)
    expect(await emailOf(account)).toBe(account.email)
    expect(await kindsTo(account.email)).toEqual([])
  })

  it('may change the spelling of the own address', async () => {
    const account = await server.signUp()
    await change(account, account.email.toUpperCase())
    expect(await emailOf(account)).toBe(account.email.toUpperCase())
  })

  it('is asked for by one session, and dies with the sessions: a thief who is signed out gets no account', async () => {
    for (const end of ['revokeSessions', 'revokeOtherSessions { expiresIn }']) {
      const account = await server.signUp()
      const thief = await server.login(account)
      const email = newAddress()
      must(await changeEmail(server, thief.accessToken, email))
      const { token } = await mailOf(server, 'confirm-new-email', email)
      must(await server.send(`mutation { ${end} }`, { token: account.accessToken }))
      expect(refusal(await verifyEmail(server, token))).toEqual(tokenInvalid)
    }
  })

  it('and deleteAccount want a proof that is not older than 300 seconds (ASVS 5.0 7.5.1)', async () => {
    const { accessToken } = await server.signUp()
    const { accessTokens, clock } = server.auth.parts
    const claims = accessTokens.verify(accessToken)
    if (typeof claims === 'string') throw new Error(claims)
    const token = accessTokens.sign({ ...claims, auth_time: Math.floor(clock.now()) - 301 })
    expect((await changeEmail(server, token, newAddress())).code).toBe('REAUTHENTICATION_REQUIRED')
    expect((await server.send('mutation { deleteAccount }', { token })).code).toBe(
      'REAUTHENTICATION_REQUIRED',
    )
  })
})

describe('restoreEmail', () => {
  it('restores the e-mail, unsets the password, ends every session, and its link lives 72 hours (ASVS 5.0 6.3.7)', async () => {
    const account = await server.signUp()
    const email = await change(account)
    const { token } = await mailOf(server, 'email-changed', account.email)
    const [life] = await server.rows(sql`select extract(epoch from expires_at - created_at)::int as seconds
      from annul.one_time_tokens where user_id = ${account.userId} and purpose = 'restore-email'`)
    expect(life).toEqual({ seconds: 72 * 3600 })
    must(await requestPasswordReset(server, email))
    const { token: reset } = await mailOf(server, 'reset-password', email)
    expect(must(await restoreEmail(server, token))).toEqual({ restoreEmail: true })
    expect(await emailOf(account)).toBe(account.email)
    expect(await presentRefreshToken(server, deviceOf(account))).toEqual(refusedRefresh('SESSIONS_REVOKED'))
    expect((await resetPassword(server, reset, newPassword())).reason).toBe('TOKEN_INVALID')
    expect(refusal(await restoreEmail(server, token))).toEqual(tokenInvalid)
    // A thief who knows the password comes too late.
    await expect(server.login(account)).rejects.toThrow('INVALID_CREDENTIALS')
    const { token: own } = await mailOf(server, 'reset-password', account.email)
    const password = newPassword()
    must(await resetPassword(server, own, password))
    await server.login({ email: account.email, password })
    expect(hooksOf(account)).toEqual([
      ['emailChanged', email],
      ['emailChanged', account.email],
    ])
  })

  it('survives further changes of e-mail and password, and closes the ways back that a thief has got', async () => {
    const account = await server.signUp()
    const thief = await server.login(account)
    const second = await change(thief)
    const { token } = await mailOf(server, 'email-changed', account.email)
    await change(thief)
    const { token: ofThief } = await mailOf(server, 'email-changed', second)
    const input = { currentPassword: account.password, newPassword: newPassword() }
    must(
      await server.send(
        'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }',
        { variables: { input }, token: thief.accessToken },
      ),
    )
    must(await restoreEmail(server, token))
    expect(await emailOf(account)).toBe(account.email)
    expect(refusal(await restoreEmail(server, ofThief))).toEqual(tokenInvalid)
  })

  it('leaves the way back to an older address open, when a younger one was restored', async () => {
    const account = await server.signUp()
    const second = await change(account)
    await change(account)
    must(await restoreEmail(server, (await mailOf(server, 'email-changed', second)).token))
    expect(await emailOf(account)).toBe(second)
    must(await restoreEmail(server, (await mailOf(server, 'email-changed', account.email)).token))
    expect(await emailOf(account)).toBe(account.email)
  })

  it('refuses clearly where another account has the address by now, and changes nothing', async () => {
    const account = await server.signUp()
    const email = await change(account)
    const { token } = await mailOf(server, 'email-changed', account.email)
    await change(await server.signUp(), account.email)
    expect(refusal(await restoreEmail(server, token))).toEqual(
      refused({ code: 'BAD_USER_INPUT', argument: 'token', reason: 'EMAIL_TAKEN' }),
    )
    expect(await emailOf(account)).toBe(email)
    must(await server.refresh(account.refreshToken))
  })
})

describe('deleteAccount', () => {
  it('removes what is personal, the addresses of links too, and a last mail tells so', async () => {
    const account = await server.signUp()
    const email = await change(account)
    must(await server.send('mutation { deleteAccount }', { token: account.accessToken }))
    for (const address of [email, account.email])
      expect((await kindsTo(address)).at(-1)).toBe('account-deleted')
    expect(
      await server.rows(
        sql`select status, email, password_hash from annul.users where id = ${account.userId}`,
      ),
    ).toEqual([{ status: 'DELETED', email: null, password_hash: null }])
    const left = sql`select 1 from annul.one_time_tokens where email_key in (${email}, ${account.email})`
    expect(await server.rows(left)).toEqual([])
    const { token } = await mailOf(server, 'email-changed', account.email)
    expect(refusal(await restoreEmail(server, token))).toEqual(tokenInvalid)
  })

  it('refuses the last admin', async () => {
    const admin = await openAdmin(server)
    await server.rows(
      sql`update annul.users set roles = '{}' where roles = '{admin}' and id <> ${admin.userId}`,
    )
    const answer = await server.send('mutation { deleteAccount }', { token: admin.accessToken })
    expect(answer).toMatchObject({ code: 'BAD_USER_INPUT', reason: 'LAST_ADMIN' })
  })
})
