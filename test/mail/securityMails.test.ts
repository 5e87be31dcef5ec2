import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { setPassword } from '../../src/admin/setPassword.ts'
import { firefox, firefoxName } from '../support/answers.ts'
import type { Account } from '../support/client.ts'
import { annul } from '../support/command.ts'
import { onPostgres } from '../support/database.ts'
import { emptied, mailFiles } from '../support/mails.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const onlyPostgres = onPostgres ? it : it.skip

const server = useServer({ env: { ANNUL_LIMITS: 'off' } })

const verified = (email: string) =>
  server.rows(sql`update annul.users set email_verified = true where email = ${email}`)
const newPassword = 'another password of the tests'

async function login(account: Account, headers: Record<string, string> = {}, password = account.password) {
  const answer = await server.send<{ login: { user: { id: string } } | null }>(
    'mutation ($input: LoginInput!) { login(input: $input) { user { id } } }',
    { variables: { input: { email: account.email, password } }, headers },
  )
  return answer
}

/** The mails of an account, when all have left. */
async function mailsOf({ email }: { email: string }) {
  await emptied(server)
  return mailFiles(server, email)
}
const kindsOf = async (account: { email: string }) => (await mailsOf(account)).map(({ kind }) => kind)

describe('the owner is told by mail', () => {
  it('that the password was changed, from where', async () => {
    const account = await server.signUp()
    await verified(account.email)
    const changed = await server.send(
      `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }`,
      {
        variables: { input: { currentPassword: account.password, newPassword } },
        token: account.accessToken,
        headers: { 'user-agent': firefox },
      },
    )
    expect(changed.errors).toBeUndefined()
    const [mail, ...more] = await mailsOf(account)
    expect(more).toEqual([])
    expect(mail?.kind).toBe('password-changed')
    expect(mail?.text).toContain(`Device: ${firefoxName}\r\nIP address: 127.0.0.1`)
  })

  it('of no change that was refused', async () => {
    const account = await server.signUp()
    await server.send(
      `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }`,
      {
        variables: { input: { currentPassword: 'not the password', newPassword } },
        token: account.accessToken,
      },
    )
    await login(account, {}, 'not the password')
    expect(await kindsOf(account)).toEqual([])
  })

  it('that an operator set the password, without device and address', async () => {
    const account = await server.signUp()
    await verified(account.email)
    await setPassword(server.auth.parts, { id: account.userId, password: newPassword })
    const [mail, ...more] = await mailsOf(account)
    expect(more).toEqual([])
    expect(mail?.kind).toBe('password-changed')
    expect(mail?.text).not.toMatch(/Device:|IP address:/)
  })

  onlyPostgres('that the command set the password: the mail is sent by a node', async () => {
    const account = await server.signUp()
    const ended = await annul(['set-password', '--email', account.email], server.env, `${newPassword}\n`)
    expect(ended.status).toBe(0)
    const mails = await until(
      () => mailFiles(server, account.email),
      ({ length }) => length > 0,
    )
    expect(mails.map(({ kind }) => kind)).toEqual(['password-changed'])
  })

  it('that a refresh token was used twice, once', async () => {
    const account = await server.signUp()
    await verified(account.email)
    await server.refresh(account.refreshToken, 'a'.repeat(22))
    for (const attempt of ['b', 'c', 'd']) {
      const { reason } = await server.refresh(account.refreshToken, attempt.repeat(22))
      expect(reason).toBe('REFRESH_REUSED')
    }
    expect(await kindsOf(account)).toEqual(['reuse-detected'])
  })
})

describe('a sign-in on a new device (ASVS 5.0 6.3.5)', () => {
  it('is told, unless it is the first of the account, or the device is known', async () => {
    const account = await server.signUp()
    await verified(account.email)
    expect(await kindsOf(account)).toEqual([])
    // signUp has opened the first session, with the User-Agent of the tests.
    await login(account)
    expect(await kindsOf(account)).toEqual([])
    await login(account, { 'user-agent': firefox })
    const [mail, ...more] = await mailsOf(account)
    expect(more).toEqual([])
    expect(mail?.kind).toBe('new-device')
    expect(mail?.text).toContain(`Device: ${firefoxName}\r\nIP address: 127.0.0.1`)
    await login(account, { 'user-agent': firefox })
    expect(await kindsOf(account)).toEqual(['new-device'])
  })

  it('is not told where the device has the account’s own proof, whatever its User-Agent', async () => {
    const account = await server.signUp()
    const { deviceTokens } = server.auth.parts
    const device = deviceTokens.remember(deviceTokens.create(), account.email)
    const foreign = deviceTokens.remember(deviceTokens.create(), 'somebody@example.com')
    await login(account, { 'annul-device': deviceTokens.write(device), 'user-agent': 'updated/2' })
    expect(await kindsOf(account)).toEqual([])
    await login(account, { 'annul-device': deviceTokens.write(foreign), 'user-agent': 'other/3' })
    expect(await kindsOf(account)).toEqual(['new-device'])
  })

  it('is told five times an hour and no more, so that nobody floods the owner', async () => {
    const account = await server.signUp()
    for (let at = 0; at < 8; at++) await login(account, { 'user-agent': `flood/${at}` })
    expect(await kindsOf(account)).toHaveLength(4)
    // A client that signs in often is one device, and does not use the five up.
    const other = await server.signUp()
    for (let at = 0; at < 8; at++) await login(other)
    await login(other, { 'user-agent': firefox })
    expect(await kindsOf(other)).toEqual(['new-device'])
  })

  it('is told in the transaction of its session: where that fails, there is no mail', async () => {
    const account = await server.signUp()
    await server.rows(sql`create function refuse() returns trigger language plpgsql as
      'begin if new.kind = ''login'' then raise ''refused''; end if; return new; end'`)
    await server.rows(
      sql`create trigger refuse before insert on annul.audit_events for each row execute function refuse()`,
    )
    const { code } = await login(account, { 'user-agent': firefox })
    await server.rows(sql`drop trigger refuse on annul.audit_events`)
    expect(code).toBe('INTERNAL_SERVER_ERROR')
    expect(await kindsOf(account)).toEqual([])
  })
})

describe('an address that was never verified', () => {
  it('is warned too, but not told the device and the address of a user who may be a stranger', async () => {
    const account = await server.signUp()
    await login(account, { 'user-agent': firefox })
    const [mail] = await mailsOf(account)
    expect(mail?.kind).toBe('new-device')
    expect(mail?.raw).not.toMatch(/Device:|IP address:|127\.0\.0\.1/)
  })
})
