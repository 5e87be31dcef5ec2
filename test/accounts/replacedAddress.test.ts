import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { changeEmail, newAddress, restoreEmail, verifyEmail } from '../support/account.ts'
import { must, refusal, refused } from '../support/answers.ts'
import type { TokensAnswer } from '../support/client.ts'
import { openAdmin } from '../support/devices.ts'
import { emptied } from '../support/mails.ts'
import { kindsSentTo, lastToken, sentTo } from '../support/sentLinks.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

async function change({ accessToken }: Pick<TokensAnswer, 'accessToken'>, email = newAddress()) {
  must(await changeEmail(server, accessToken, email))
  must(await verifyEmail(server, await lastToken(server, 'change-email', email)))
  return email
}
const wayBack = (email: string) => lastToken(server, 'restore-email', email)

describe('restoreEmail', () => {
  it('tells the address that is replaced, without a link and without saying where the sender is', async () => {
    const account = await server.signUp()
    const email = await change(account)
    // A mail that is still in the outbox is dropped when its link is used.
    await emptied(server)
    must(await restoreEmail(server, await wayBack(account.email)))
    const mail = (await sentTo(server, email)).at(-1)
    expect(mail?.kind).toBe('email-restored')
    expect(mail?.raw).not.toMatch(/token=|Device:|IP address:|127\.0\.0\.1/)
    expect(await kindsSentTo(server, account.email)).toEqual(['email-changed', 'reset-password'])
  })

  it('tells nobody where the account has the address anyway', async () => {
    const account = await server.signUp()
    const email = await change(account)
    await change(account, account.email)
    must(await restoreEmail(server, await wayBack(account.email)))
    for (const address of [account.email, email])
      expect(await kindsSentTo(server, address)).not.toContain('email-restored')
  })
})

describe('recoverAccount', () => {
  it('closes every way back: one may lead to the thief', async () => {
    const admin = await openAdmin(server)
    const account = await server.signUp()
    const ofThief = await change(account)
    await change(account, account.email)
    const token = await wayBack(ofThief)
    const { recoverAccount } = must(
      await server.send<{ recoverAccount: { id: string } }>(
        'mutation ($id: ID!) { recoverAccount(id: $id) { id } }',
        { variables: { id: account.userId }, token: admin.accessToken },
      ),
    )
    expect(refusal(await restoreEmail(server, token))).toEqual(
      refused({ code: 'BAD_USER_INPUT', argument: 'token', reason: 'TOKEN_INVALID' }),
    )
    expect(await server.rows(sql`select email from annul.users where id = ${recoverAccount.id}`)).toEqual([
      { email: account.email },
    ])
  })
})
