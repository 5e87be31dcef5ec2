import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { onPostgres } from '../../support/database.ts'
import { useServer } from '../../support/server.ts'
import { until } from '../../support/until.ts'

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('a theft that ends all sessions of the user', () => {
  const server = useServer({ env: { ANNUL_REFRESH_REUSE_ENDS: 'user' } })
  let client: postgres.Sql
  beforeAll(() => {
    client = postgres(server.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
  })
  afterAll(() => client.end())

  const endedSessions = async (userId: string) =>
    (
      await server.rows(
        sql`select 1 from annul.sessions where user_id = ${userId} and end_reason = 'REFRESH_REUSED'`,
      )
    ).length

  it('is answered a second time only when nothing of the other sessions can commit any more', async () => {
    const account = await server.signUp()
    const other = await server.login(account)
    await server.refresh(account.refreshToken)
    const headers = { authorization: `Bearer ${other.accessToken}` }
    const { auth } = server.auth.context({ headers }, { appendHeader: () => {} })
    const answers: Promise<unknown>[] = []
    await client.begin(async tx => {
      await auth.fence(tx)
      answers.push(server.refresh(account.refreshToken))
      await until(async () => (await endedSessions(account.userId)) === 1)
      answers.push(server.refresh(account.refreshToken))
      // Both wait for this very transaction.
      const first = await Promise.race([
        Promise.any(answers).then(() => 'an answer'),
        delay(500, 'both wait'),
      ])
      expect(first).toBe('both wait')
    })
    for (const answer of await Promise.all(answers))
      expect(answer).toMatchObject({ errors: [{ extensions: { reason: 'REFRESH_REUSED' } }] })
  })
})
