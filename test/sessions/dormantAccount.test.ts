import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { firefox } from '../support/answers.ts'
import type { Account } from '../support/client.ts'
import { kindsSentTo } from '../support/sentLinks.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

/** An account whose sessions have ended so long ago that their rows are gone. @param age of the account */
async function withoutSessions(age: string): Promise<Account> {
  const account = await server.signUp()
  await server.rows(sql`delete from annul.sessions where user_id = ${account.userId}`)
  await server.rows(
    sql`update annul.users set created_at = now() - ${age}::interval where id = ${account.userId}`,
  )
  return account
}

/** Signs in on a device that nobody knows. */
const signIn = async ({ email, password }: Account) => {
  await server.send('mutation ($input: LoginInput!) { login(input: $input) { expiresIn } }', {
    variables: { input: { email, password } },
    headers: { 'user-agent': firefox },
  })
  return kindsSentTo(server, email)
}

describe('a sign-in to an account that has had no session for long', () => {
  it('is told as a new device: the owner would not see it otherwise', async () => {
    expect(await signIn(await withoutSessions('100 days'))).toEqual(['new-device'])
  })

  it('is not told on the first day of the account', async () => {
    expect(await signIn(await withoutSessions('1 hour'))).toEqual([])
  })
})
