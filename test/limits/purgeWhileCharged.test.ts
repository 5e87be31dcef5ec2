import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { expiredOneTime } from '../../src/accounts/expiredOneTime.ts'
import { rows } from '../../src/database/open.ts'
import { expiredBudgets } from '../../src/limits/expiredBudgets.ts'
import { onPostgres } from '../support/database.ts'
import { makeToken } from '../support/mails.ts'
import { useServer } from '../support/server.ts'

/* The embedded database runs one transaction after the other: there nobody waits for a lock. */
const onlyPostgres = onPostgres ? it : it.skip

const server = useServer()

describe('a purge waits for no row that somebody has locked, so that they never wait for each other', () => {
  onlyPostgres('of the budgets', async () => {
    const [charged, free] = [randomBytes(16), randomBytes(16)]
    await server.rows(sql`insert into annul.budgets (key, spent, spent_at)
      values (${charged}, 1, now() - interval '2 days'), (${free}, 1, now() - interval '2 days')`)
    await server.auth.parts.db.transaction(async tx => {
      await rows(tx, sql`select from annul.budgets where key = ${charged} for update`)
      expect(await server.rows(expiredBudgets(10))).toHaveLength(1)
    })
    expect(await server.rows(expiredBudgets(10))).toHaveLength(1)
  })

  onlyPostgres('of the one-time tokens', async () => {
    const locked = await makeToken(server, 'verify-email', { life: '-1 minute' })
    await makeToken(server, 'verify-email', { life: '-1 minute' })
    await server.auth.parts.db.transaction(async tx => {
      await rows(tx, sql`select from annul.one_time_tokens where id = ${locked} for update`)
      expect(await server.rows(expiredOneTime(10))).toHaveLength(1)
    })
    expect(await server.rows(expiredOneTime(10))).toHaveLength(1)
  })
})
