import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { onPostgres } from '../support/database.ts'
import { makeAdmin, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/*
 * PostgreSQL counts the rows that it writes. 100,000 sessions stand for any number: were a row written for each, or
 * for each thousand, the count would show it.
 */

const onlyPostgres = onPostgres ? it : it.skip
const many = 100_000

const server = useServer()
let admin: postgres.Sql
beforeAll(() => {
  admin = postgres(server.env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
})
afterAll(() => admin.end())

/** A user with so many live sessions: the first by a login, copies of it by SQL. */
async function userWith(sessions: number) {
  const user = await server.signUp()
  await admin`insert into annul.sessions
      (id, user_id, session_version, epoch, idle_expires_at, expires_at, auth_time)
    select gen_random_uuid(), user_id, session_version, epoch, idle_expires_at, expires_at, auth_time
    from annul.sessions, generate_series(2, ${sessions}) where id = ${user.session.id}`
  const [counted] = await admin`select count(*)::int as live, max(id::text) as one
    from annul.sessions where user_id = ${user.userId} and ended_at is null`
  expect(counted?.live).toBe(sessions)
  const { derive } = server.auth.parts.refreshTokens
  return { ...user, refreshTokenOfOne: derive({ sessionId: String(counted?.one), generation: 1 }) }
}

/** Rows that were inserted, updated or deleted so far; what nodes say of themselves is not about revocations. */
async function written(): Promise<number> {
  // A connection tells what it wrote when it ends, at the latest.
  await admin`select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where application_name = 'annul' and datname = current_database()`
  await admin`select pg_stat_force_next_flush()`
  await until(async () => (await server.rows(sql`select 1`).catch(() => [])).length === 1)
  const [sum] = await admin`select sum(n_tup_ins + n_tup_upd + n_tup_del)::int as rows
    from pg_stat_user_tables where schemaname = 'annul' and relname <> 'nodes'`
  return Number(sum?.rows)
}

/** @returns how many rows a mutation writes */
async function rowsOf(mutation: string, token: string): Promise<number> {
  const before = await written()
  const { data, errors } = await server.send(`mutation { ${mutation} }`, { token })
  expect({ data, errors }).toEqual({ data: { [mutation]: true }, errors: undefined })
  return (await written()) - before
}

/** @returns why a session that was never touched is over */
async function endOf(user: { refreshTokenOfOne: string }) {
  const { code, reason } = await server.refresh(user.refreshTokenOfOne)
  return { code, reason }
}

describe('the same number of rows is written for 1 session and for 100,000', () => {
  onlyPostgres(
    'by revokeSessions, which ends them all',
    async () => {
      const one = await userWith(1)
      const crowd = await userWith(many)
      const rows = await rowsOf('revokeSessions', one.accessToken)
      expect(rows).toBeGreaterThan(0)
      expect(rows).toBeLessThan(10)
      expect(await rowsOf('revokeSessions', crowd.accessToken)).toBe(rows)
      const over = { code: 'INVALID_REFRESH_TOKEN', reason: 'SESSIONS_REVOKED' }
      expect([await endOf(one), await endOf(crowd)]).toEqual([over, over])
    },
    60_000,
  )

  onlyPostgres(
    'by revokeEverything, which ends them all',
    async () => {
      const operator = await server.signUp()
      await makeAdmin(server, operator.email)
      const signIn = async () => (await server.login(operator)).accessToken
      const rows = await rowsOf('revokeEverything', await signIn())
      expect(rows).toBeGreaterThan(0)
      expect(rows).toBeLessThan(10)
      const crowd = await userWith(many)
      expect(await rowsOf('revokeEverything', await signIn())).toBe(rows)
      expect(await endOf(crowd)).toEqual({ code: 'INVALID_REFRESH_TOKEN', reason: 'EVERYTHING_REVOKED' })
    },
    60_000,
  )
})
