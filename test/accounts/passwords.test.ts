import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { claimsOf, must, refusal, refused, type WholeTokens, wholeTokens } from '../support/answers.ts'
import { type Device, deviceOf, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'
import {
  accessAnswer,
  presentAccessToken,
  presentRefreshToken,
  refreshAnswer,
  refusedAccess,
  refusedRefresh,
} from '../support/tokenAnswers.ts'

const server = useServer()

const reauthenticate = ({ accessToken }: { accessToken: string }, password: string) =>
  server.send<{ reauthenticate: WholeTokens }>(
    `mutation ($password: String!) { reauthenticate(password: $password) { ${wholeTokens} } }`,
    { variables: { password }, token: accessToken },
  )
const changePassword = (
  { accessToken }: { accessToken: string },
  input: { currentPassword: string; newPassword: string },
) =>
  server.send<{ changePassword: WholeTokens }>(
    `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { ${wholeTokens} } }`,
    { variables: { input }, token: accessToken },
  )
const authTime = (token: string) => Number(claimsOf(token).auth_time)

/** Puts the proof an hour back, and gives the device an access token that says so. */
async function letProofAge(device: Device): Promise<void> {
  await server.rows(
    sql`update annul.sessions set auth_time = now() - interval '1 hour' where id = ${device.sessionId}`,
  )
  expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
}

describe('reauthenticate', () => {
  it('answers with tokens of this session, and its proof is as new as its access token', async () => {
    const account = await server.signUp()
    const device = deviceOf(account)
    await letProofAge(device)
    const before = authTime(device.accessToken)
    const { reauthenticate: tokens } = must(await reauthenticate(device, account.password))
    expect(tokens.session).toMatchObject({ id: device.sessionId, current: true })
    expect(tokens.user.id).toBe(device.userId)
    const claims = claimsOf(tokens.accessToken)
    expect(claims.auth_time).toBe(claims.iat)
    expect(authTime(tokens.accessToken) - before).toBeGreaterThanOrEqual(3599)
    for (const token of [tokens.accessToken, device.accessToken])
      expect(await presentAccessToken(server, token)).toEqual(accessAnswer('works', device.userId))
  })

  it('leaves the new time in that one access token: no refresh inherits it', async () => {
    const account = await server.signUp()
    const device = deviceOf(account)
    await letProofAge(device)
    const old = authTime(device.accessToken)
    const { reauthenticate: tokens } = must(await reauthenticate(device, account.password))
    expect(tokens.refreshToken).toBe(device.refreshToken)
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
    expect(authTime(device.accessToken)).toBe(old)
  })

  it('opens what wants a recent proof, and nothing else does', async () => {
    const admin = await openAdmin(server)
    const password = await passwordFor(admin)
    await letProofAge(admin)
    const revoke = (token: string) => server.send('mutation { revokeEverything }', { token })
    expect(refusal(await revoke(admin.accessToken))).toEqual(
      refused({ code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, recover: 'REAUTHENTICATE' }),
    )
    const { reauthenticate: tokens } = must(await reauthenticate(admin, password))
    expect((await revoke(tokens.accessToken)).data).toEqual({ revokeEverything: true })
  })

  it('refuses a wrong password, and ends nothing', async () => {
    const account = await server.signUp()
    const other = await server.signUp()
    for (const wrong of [other.password, '', `${account.password}.`])
      expect(refusal(await reauthenticate(account, wrong))).toEqual(refused({ code: 'INVALID_CREDENTIALS' }))
    const device = deviceOf(account)
    expect(await presentAccessToken(server, device.accessToken)).toEqual(accessAnswer('works', device.userId))
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
  })

  it('refuses a session that is past its end, though its access token is not', async () => {
    const account = await server.signUp()
    await server.rows(sql`update annul.sessions set expires_at = now() where id = ${account.session.id}`)
    expect(refusal(await reauthenticate(account, account.password))).toEqual(
      refused({ code: 'UNAUTHENTICATED', reason: 'SESSION_EXPIRED', recover: 'LOGIN' }, 401),
    )
  })

  /** Another admin knows no password; this one gets that of a fresh account. */
  async function passwordFor(device: Device): Promise<string> {
    const { password, userId } = await server.signUp()
    await server.rows(sql`update annul.users set password_hash =
      (select password_hash from annul.users where id = ${userId}) where id = ${device.userId}`)
    return password
  }
})

describe('changePassword (ASVS 5.0 6.2.2 and 6.2.3)', () => {
  const newPassword = 'quite another password'

  it('answers with tokens of this session, and they work; the new password is the only one (ASVS 5.0 7.4.3)', async () => {
    const account = await server.signUp()
    const there = deviceOf(await server.login(account))
    const { changePassword: tokens } = must(
      await changePassword(account, { currentPassword: account.password, newPassword }),
    )
    expect(tokens.session).toMatchObject({ id: account.session.id, current: true })
    expect(tokens.user.sessions).toEqual([{ id: account.session.id, current: true }])
    expect(tokens.refreshToken).toBe(account.refreshToken)
    expect(authTime(tokens.accessToken)).toBe(authTime(account.accessToken))

    expect(await presentAccessToken(server, account.accessToken)).toEqual(refusedAccess('PASSWORD_CHANGED'))
    expect(await presentRefreshToken(server, there)).toEqual(refusedRefresh('PASSWORD_CHANGED'))
    const device = deviceOf(tokens)
    expect(await presentAccessToken(server, device.accessToken)).toEqual(accessAnswer('works', device.userId))
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))

    await expect(server.login(account)).rejects.toThrow('INVALID_CREDENTIALS')
    await server.login({ email: account.email, password: newPassword })
  })

  it.each([
    ['the wrong password', { currentPassword: 'not my password at all' }, { code: 'INVALID_CREDENTIALS' }],
    ['a new one that is too short', { newPassword: 'short' }, invalid('PASSWORD_TOO_SHORT')],
    ['a new one that is too long', { newPassword: 'x'.repeat(257) }, invalid('PASSWORD_TOO_LONG')],
    ['the e-mail as the new one', 'email', invalid('PASSWORD_IS_EMAIL')],
  ] as const)('refuses %s, and changes nothing', async (_, wrong, error) => {
    const account = await server.signUp()
    const input = { currentPassword: account.password, newPassword }
    const change = wrong === 'email' ? { newPassword: account.email.toUpperCase() } : wrong
    expect(refusal(await changePassword(account, { ...input, ...change }))).toEqual(refused(error))
    const device = deviceOf(account)
    expect(await presentAccessToken(server, device.accessToken)).toEqual(accessAnswer('works', device.userId))
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
    await server.login(account)
  })

  it('lets one of two through that come at once on one device', async () => {
    const account = await server.signUp()
    const both = ['first new password', 'second new password'].map(newPassword => ({
      currentPassword: account.password,
      newPassword,
    }))
    const answers = await Promise.all(both.map(input => changePassword(account, input)))
    const [won, lost] = answers[0]?.data ? [0, 1] : [1, 0]
    expect(answers[won]?.errors).toBeUndefined()
    // Refused by the hash that it checked, or behind the fence, because the first one has ended its token.
    expect([answers[lost]?.code, answers[lost]?.reason].join(' ')).toMatch(
      /^(INVALID_CREDENTIALS |UNAUTHENTICATED PASSWORD_CHANGED)$/,
    )
    await server.login({ email: account.email, password: both[won]?.newPassword ?? '' })
  })
})

function invalid(reason: string) {
  return { code: 'BAD_USER_INPUT', reason, argument: 'input.newPassword' } as const
}
