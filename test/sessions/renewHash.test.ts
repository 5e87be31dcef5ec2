import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { hash } from '@node-rs/argon2'
import postgres from 'postgres'
import { onPostgres } from '../support/database.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* A login renews an outdated hash, while the password is changed. The embedded database has one connection only. */

const describePostgres = onPostgres ? describe : describe.skip
const outdated = { memoryCost: 8192, timeCost: 1, parallelism: 1 }

let server: TestServer
let sql: postgres.Sql
beforeAll(async () => {
  if (!onPostgres) return
  server = await startTestServer()
  sql = postgres(server.env.DATABASE_URL ?? '', { max: 2, onnotice: () => {} })
})
afterAll(async () => {
  await sql?.end()
  await server?.close()
})

/** Whether a statement that writes a password's hash waits for a lock. */
async function isRenewalWaiting(): Promise<boolean> {
  const waiting = await sql`
    select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query ilike 'update%password_hash%'`
  return waiting.length > 0
}

describePostgres('a login with an outdated hash', () => {
  it('does not write the old password over one that was changed after the check', async () => {
    const account = await server.signUp()
    const { userId, email, password } = account
    const newPassword = `${password} and another`
    const [old, changed] = await Promise.all([hash(password, outdated), hash(newPassword)])
    await sql`update annul.users set password_hash = ${old} where id = ${userId}`

    // Holds the row, so that the login has checked the old password when the new one is committed.
    const login = await sql.begin(async tx => {
      await tx`select 1 from annul.users where id = ${userId} for update`
      const entering = server.login(account).then(
        () => 'entered',
        () => 'refused',
      )
      await until(isRenewalWaiting)
      await tx`update annul.users set password_hash = ${changed} where id = ${userId}`
      return { entering }
    })
    await login.entering

    const [row] = await sql`select password_hash from annul.users where id = ${userId}`
    expect(row?.password_hash).toBe(changed)
    await expect(server.login({ email, password })).rejects.toThrow('INVALID_CREDENTIALS')
    expect((await server.login({ email, password: newPassword })).user.id).toBe(userId)
  })
})
