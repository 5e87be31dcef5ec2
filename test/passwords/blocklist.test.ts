import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { createUser } from '../../src/accounts/register.ts'
import { setPassword } from '../../src/admin/setPassword.ts'
import { type Account, type TokensAnswer, tokenFields } from '../support/client.ts'
import { useServer } from '../support/server.ts'

const server = useServer({
  env: { ANNUL_SITE_NAME: 'Grandma’s Garden Shop', ANNUL_PASSWORD_MIN_LENGTH: '8' },
})
let account: Account & TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
})

const newEmail = () => `gardener-${randomBytes(6).toString('hex')}@example.com`

const register = (password: string, email = newEmail()) =>
  server.send<{ register: TokensAnswer }>(
    `mutation ($input: RegisterInput!) { register(input: $input) { ${tokenFields} } }`,
    { variables: { input: { email, password } } },
  )
const change = (newPassword: string) =>
  server.send(`mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }`, {
    variables: { input: { currentPassword: account.password, newPassword } },
    token: account.accessToken,
  })

const tooCommon = (argument: string) => ({
  message:
    'This password is easy to guess: it is a common one, or made of the e-mail or the name of this site.',
  extensions: { code: 'BAD_USER_INPUT', reason: 'PASSWORD_TOO_COMMON', argument },
})

describe('the blocklist (ASVS 5.0 6.2.4 and 6.2.12, NIST SP 800-63B-4 3.1.1.2)', () => {
  it.each([
    ['a leaked password', 'qwertyuiop'],
    ['a leaked password of 18 characters', '123456789987654321'],
    ['a word of the dictionary', 'extraordinary'],
    ['capitals', 'PassWord1'],
    ['wide letters', 'ｐａｓｓｗｏｒｄ'],
    ['a common password twice', 'passwordpassword'],
    ['a common password three times', 'Password1PASSWORD1password1'],
  ])('refuses %s, in register and in changePassword', async (_, password) => {
    expect((await register(password)).errors).toMatchObject([tooCommon('input.password')])
    expect((await change(password)).errors).toMatchObject([tooCommon('input.newPassword')])
  })

  it('refuses the site’s name, in any case and repeated (ASVS 5.0 6.1.2 and 6.2.11)', async () => {
    for (const password of [
      'Grandma’s Garden Shop',
      'GRANDMA’S GARDEN SHOP',
      'grandma’s garden shop'.repeat(2),
    ])
      expect((await register(password)).errors).toMatchObject([tooCommon('input.password')])
  })

  it('refuses what stands before the @ of the e-mail, and the e-mail twice', async () => {
    const email = newEmail()
    const [local = ''] = email.split('@')
    for (const password of [local, local.toUpperCase(), local + local, email + email])
      expect((await register(password, email)).errors).toMatchObject([tooCommon('input.password')])
    expect((await change(account.email.split('@')[0] ?? '')).errors).toMatchObject([
      tooCommon('input.newPassword'),
    ])
  })

  it('is the same for create-user and set-password', async () => {
    const { parts } = server.auth
    const refusal = (argument: string) => ({
      code: 'BAD_USER_INPUT',
      details: { reason: 'PASSWORD_TOO_COMMON', argument },
    })
    const made = createUser(
      parts,
      { email: newEmail(), password: 'qwertyuiop', roles: [], scopes: [] },
      async () => 'made',
    )
    await expect(made).rejects.toMatchObject(refusal('input.password'))
    const { userId: id, email } = account
    for (const password of ['qwertyuiop', email.split('@')[0] ?? ''])
      await expect(setPassword(parts, { id, password })).rejects.toMatchObject(refusal('password'))
    expect((await server.login(account)).user.id).toBe(id)
  })

  it('compares the whole password, not its parts', async () => {
    for (const password of [
      'password password',
      'my password is qwertyuiop',
      'passwordpasswordx',
      'qwertyuiop!?',
    ])
      expect((await register(password)).errors).toBeUndefined()
  })

  it('is looked at for new passwords only: a sign-in with a common password is an ordinary one', async () => {
    const { errors } = await server.send(
      'mutation ($input: LoginInput!) { login(input: $input) { expiresIn } }',
      { variables: { input: { email: account.email, password: 'passwordpassword' } } },
    )
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CREDENTIALS' } }])
  })
})

describe('a new password', () => {
  it('may be of any characters: no rule asks for kinds of them (ASVS 5.0 6.2.5, NIST SP 800-63B-4 3.1.1.2)', async () => {
    for (const password of ['zkvwmqptjh', '7304918265530', '~~^^~~^^^~', 'слонёнок-топает', '   x   y   z'])
      expect((await register(password)).errors).toBeUndefined()
  })

  it('is verified as a whole, without truncation (ASVS 5.0 6.2.8 and 6.2.9, NIST SP 800-63B-4 3.1.1.2)', async () => {
    const email = newEmail()
    const password = 'slow walks '.repeat(24).slice(0, 256)
    expect((await register(password, email)).errors).toBeUndefined()
    expect((await server.login({ email, password })).user.id).toBeTruthy()
    for (const other of [password.slice(0, 255), password.slice(0, 72), `${password.slice(0, 255)}_`])
      await expect(server.login({ email, password: other })).rejects.toThrow('INVALID_CREDENTIALS')
  })

  it('stays valid until it is changed: nothing asks for another one (ASVS 5.0 6.2.10, NIST SP 800-63B-4 3.1.1.2)', async () => {
    const { parts } = server.auth
    await parts.db.execute(sql`update annul.users set created_at = now() - interval '10 years'`)
    expect((await server.login(account)).user.id).toBe(account.userId)
  })
})
