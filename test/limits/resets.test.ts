import { describe, expect, it } from '@jest/globals'
import { newPassword, requestPasswordReset, verifyEmail } from '../support/account.ts'
import { must } from '../support/answers.ts'
import { kindsSentTo, lastToken } from '../support/sentLinks.ts'
import { useServer } from '../support/server.ts'
import { headersOf, limited, newAddress, newEmail } from './support.ts'

/** Where a registration, too, sends a mail to the owner of a taken address. */
const server = useServer({ env: { ...limited, ANNUL_REQUIRE_VERIFIED_EMAIL: 'true' } })
const elsewhere = () => headersOf({ from: newAddress() })

const register = (email: string, password = newPassword()) =>
  server.send('mutation ($input: RegisterInput!) { register(input: $input) { expiresIn } }', {
    variables: { input: { email, password } },
    headers: elsewhere(),
  })

async function join() {
  const account = { email: newEmail(), password: newPassword() }
  must(await register(account.email, account.password))
  must(await verifyEmail(server, await lastToken(server, 'register', account.email), elsewhere()))
  return { ...account, ...(await server.login(account)) }
}

describe('the owner of an account that somebody sends mails to', () => {
  it('can ask for a new password all the same: its links have a budget of their own', async () => {
    const [owner, stranger] = [await join(), await join()]
    const changeEmail = () =>
      server.send('mutation ($input: ChangeEmailInput!) { changeEmail(input: $input) { id } }', {
        variables: { input: { email: owner.email } },
        token: stranger.accessToken,
        headers: elsewhere(),
      })
    // One mail was the owner's own registration.
    for (let mails = 0; mails < 2; mails++) {
      must(await register(owner.email))
      must(await changeEmail())
    }
    for (const answer of [await register(owner.email), await changeEmail()])
      expect(answer.code).toBe('TOO_MANY_REQUESTS')

    must(await requestPasswordReset(server, owner.email, elsewhere()))
    expect(await kindsSentTo(server, owner.email)).toContain('reset-password')
  })

  it('may be sent 5 links an hour, and so may an address without an account', async () => {
    for (const email of [(await join()).email, newEmail()]) {
      for (let links = 0; links < 5; links++) must(await requestPasswordReset(server, email, elsewhere()))
      expect((await requestPasswordReset(server, email, elsewhere())).code).toBe('TOO_MANY_REQUESTS')
    }
  })
})
