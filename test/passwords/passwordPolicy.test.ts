import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { checkPasswordRules } from '../../src/passwords/policy.ts'
import { type Account, type TokensAnswer, tokenFields } from '../support/client.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
let account: Pick<Account & TokensAnswer, 'email' | 'password' | 'accessToken'>
beforeAll(async () => {
  account = await server.signUp()
})

const newEmail = () => `user-${randomBytes(6).toString('hex')}@example.com`

const register = (password: string, email = newEmail()) =>
  server.send<{ register: TokensAnswer }>(
    `mutation ($input: RegisterInput!) { register(input: $input) { ${tokenFields} } }`,
    { variables: { input: { email, password } } },
  )

/** What a change of password says, which has to accept and refuse the same. */
const change = async (newPassword: string) => {
  const answer = await server.send<{ changePassword: TokensAnswer }>(
    `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { ${tokenFields} } }`,
    {
      variables: { input: { currentPassword: account.password, newPassword } },
      token: account.accessToken,
    },
  )
  const accessToken = answer.data?.changePassword.accessToken
  if (accessToken) account = { ...account, accessToken, password: newPassword }
  return answer
}

const refusal = (field: string, argument: string, reason: string, message: string) => ({
  status: 200,
  errors: [
    {
      message,
      locations: expect.any(Array),
      path: [field],
      extensions: { code: 'BAD_USER_INPUT', argument, reason },
    },
  ],
})

const emoji = '🔑'
/** One character to whoever types it, 18 code points after NFKC. */
const ligature = '\uFDFA'

describe('a new password', () => {
  it.each([
    ['15 letters', 'abcdefghijklmno'],
    ['15 emoji', emoji.repeat(15)],
    ['15 spaces and letters', ' a '.repeat(5)],
    ['256 letters', 'x'.repeat(256)],
    ['256 emoji, of 512 UTF-16 units', emoji.repeat(256)],
    ['no letters, capitals or digits at all', '---------------'],
    ['an e-mail, but not the own one', 'somebody.else@example.com'],
  ])('may be %s (ASVS 5.0 6.2.5 and 6.2.9, NIST SP 800-63B-4 3.1.1.2)', async (_, password) => {
    const { status, errors } = await register(password)
    expect({ status, errors }).toEqual({ status: 200, errors: undefined })
    expect((await change(password)).errors).toBeUndefined()
  })

  it.each([
    ['14 letters', 'abcdefghijklmn'],
    ['14 emoji, of 28 UTF-16 units', emoji.repeat(14)],
    ['15 code points that are 14 in NFKC', `abcdefghijklme\u0301`],
    ['one character that is 18 in NFKC', ligature],
    ['nothing', ''],
  ])('is too short with %s (ASVS 5.0 6.2.1, NIST SP 800-63B-4 3.1.1.2)', async (_, password) => {
    const words = ['PASSWORD_TOO_SHORT', 'A password has at least 15 characters.'] as const
    expect(await register(password)).toMatchObject(refusal('register', 'input.password', ...words))
    expect(await change(password)).toMatchObject(refusal('changePassword', 'input.newPassword', ...words))
  })

  it.each([
    ['257 letters', 'x'.repeat(257)],
    ['257 emoji', emoji.repeat(257)],
    ['50 000 letters', 'x'.repeat(50_000)],
  ])('is too long with %s', async (_, password) => {
    const words = ['PASSWORD_TOO_LONG', 'A password has at most 256 characters.'] as const
    expect(await register(password)).toMatchObject(refusal('register', 'input.password', ...words))
    expect(await change(password)).toMatchObject(refusal('changePassword', 'input.newPassword', ...words))
  })

  it.each([
    ['a NUL', '\0'],
    ['a line break', '\n'],
    ['a tab', '\t'],
    ['DEL', '\x7F'],
    ['a C1 control', '\x85'],
    ['half of an emoji', emoji.slice(0, 1)],
  ])('has no control characters: %s', async (_, character) => {
    const password = `a long enough${character}password`
    const words = ['PASSWORD_CHARACTERS', 'A password has no control characters.'] as const
    expect(await register(password)).toMatchObject(refusal('register', 'input.password', ...words))
    expect(await change(password)).toMatchObject(refusal('changePassword', 'input.newPassword', ...words))
  })

  it.each([
    ['as it is', (email: string) => email],
    ['in capitals', (email: string) => email.toUpperCase()],
    ['in wide letters', (email: string) => email.replaceAll('e', '\uFF45')],
  ])('is not the e-mail %s (ASVS 5.0 6.2.11, NIST SP 800-63B-4 3.1.1.2)', async (_, spell) => {
    const email = newEmail()
    const words = ['PASSWORD_IS_EMAIL', 'The password must not be the e-mail.'] as const
    expect(await register(spell(email), email)).toMatchObject(refusal('register', 'input.password', ...words))
    expect(await change(spell(account.email))).toMatchObject(
      refusal('changePassword', 'input.newPassword', ...words),
    )
  })

  it('makes no account when it is refused', async () => {
    const email = newEmail()
    await register('short', email)
    expect((await register('a password that is long enough', email)).errors).toBeUndefined()
  })

  it.each([8, 15, 64])('has at least as many characters as ANNUL_PASSWORD_MIN_LENGTH says: %i', length => {
    const check = (count: number) =>
      checkPasswordRules(
        { passwordMinLength: length, siteName: 'Annul' },
        'x'.repeat(count),
        'a@b.c',
        'argument',
      )
    expect(() => check(length)).not.toThrow()
    expect(() => check(length - 1)).toThrow(`A password has at least ${length} characters.`)
  })
})

describe('a password that was typed in another way', () => {
  it.each([
    ['é as one code point, then as two', 'a caf\u00E9 and a caf\u00E9', 'a cafe\u0301 and a cafe\u0301'],
    ['fi as a ligature, then as two letters', 'a \uFB01ne long password', 'a fine long password'],
    [
      'wide digits, then plain ones',
      'number \uFF11\uFF12\uFF13\uFF14\uFF15\uFF16\uFF17\uFF18',
      'number 12345678',
    ],
  ])('is the same in NFKC: %s (NIST SP 800-63B-4 3.1.1.2)', async (_, typed, retyped) => {
    expect(typed).not.toBe(retyped)
    const email = newEmail()
    const { data } = await register(typed, email)
    const { user } = await server.login({ email, password: retyped })
    expect(user).toEqual(data?.register.user)
  })

  it('is another one in capitals, or with a space around it (ASVS 5.0 6.2.8)', async () => {
    const account = await server.signUp()
    for (const password of [account.password.toUpperCase(), `${account.password} `, ` ${account.password}`])
      await expect(server.login({ ...account, password })).rejects.toThrow('INVALID_CREDENTIALS')
  })
})
