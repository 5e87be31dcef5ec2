import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { newAddress, requestPasswordReset } from '../support/account.ts'
import { must } from '../support/answers.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

describe('requests for a new password that come at once', () => {
  it.each([
    ['an account', async () => (await server.signUp()).email],
    ['an address that nobody has', async () => newAddress()],
  ])('for %s take turns, and leave one live link', async (_, addressOf) => {
    const email = await addressOf()
    for (const answer of await Promise.all(
      Array.from({ length: 20 }, () => requestPasswordReset(server, email)),
    ))
      must(answer)
    const live = sql`select 1 from annul.one_time_tokens where email_key = ${email} and ended_at is null`
    expect(await server.rows(live)).toHaveLength(1)
  })
})
