import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { limited } from '../limits/support.ts'
import { newAddress, newPassword } from '../support/account.ts'
import { must } from '../support/answers.ts'
import { kindsSentTo } from '../support/sentLinks.ts'
import { useServer } from '../support/server.ts'

/*
 * An account's address may be a stranger's, who never asked for the account. Whoever has made it must not be able to
 * fill the stranger's mailbox by what success gives back to every other budget.
 */
const server = useServer({ env: limited })

describe('warnings to the owner of an account', () => {
  it('that the password was changed are five an hour, and every change is made', async () => {
    const account = await server.signUp()
    let { password, accessToken: token } = account
    for (let change = 0; change < 8; change++) {
      const input = { currentPassword: password, newPassword: newPassword() }
      const query =
        'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }'
      const answer = await server.send<{ changePassword: { accessToken: string } }>(query, {
        ...{ variables: { input }, token },
      })
      token = must(answer).changePassword.accessToken
      password = input.newPassword
    }
    expect(await kindsSentTo(server, account.email)).toEqual(Array(5).fill('password-changed'))
    expect((await server.login({ ...account, password })).user.id).toBe(account.userId)
  })

  it('that the account was deleted are five an hour, however often the address is registered', async () => {
    const account = { email: newAddress(), password: newPassword() }
    const query = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }'
    for (let life = 0; life < 8; life++) {
      const { register } = must(
        await server.send<{ register: { accessToken: string } }>(query, { variables: { input: account } }),
      )
      must(await server.send('mutation { deleteAccount }', { token: register.accessToken }))
    }
    expect(await kindsSentTo(server, account.email)).toEqual(Array(5).fill('account-deleted'))
  })

  it('that a refresh token was used twice are five an hour, and every theft is answered', async () => {
    const account = await server.signUp()
    for (let theft = 0; theft < 8; theft++) {
      const { refreshToken } = await server.login(account)
      must(await server.refresh(refreshToken, 'a'.repeat(22)))
      expect((await server.refresh(refreshToken, 'b'.repeat(22))).reason).toBe('REFRESH_REUSED')
    }
    const kinds = await kindsSentTo(server, account.email)
    expect(kinds.filter(kind => kind === 'reuse-detected')).toHaveLength(5)
    const thefts = sql`select 1 from annul.audit_events
      where kind = 'refresh-reused' and user_id = ${account.userId}`
    expect(await server.rows(thefts)).toHaveLength(8)
  })
})
