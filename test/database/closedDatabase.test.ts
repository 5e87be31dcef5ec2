import { afterAll, describe, expect, it } from '@jest/globals'
import connectTo from 'postgres'
import { fromDriver, OutageError } from '../../src/database/outage.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.js'
import { useServer } from '../support/server.ts'

/* A database that its operator has closed to connections, for example to put a backup in its place. */

// The embedded database lives and dies with its node.
const describePostgres = onPostgres ? describe : describe.skip

describePostgres('While the database accepts no connections', () => {
  let postgres: TestPostgres
  const server = useServer(async () => {
    postgres = await startPostgres()
    await postgres.createDatabase('closed')
    return {
      database: { env: { DATABASE_URL: postgres.urlOf('closed') } },
      env: { ANNUL_REVOCATION: 'strict' },
    }
  })
  afterAll(() => postgres.stop())

  it('nobody is signed out, and no answer is an internal error', async () => {
    const account = await server.signUp()
    const admin = connectTo(postgres.urlOf('postgres'), { max: 1 })
    await admin`alter database closed allow_connections false`
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'closed'`
    await admin.end()
    const answers = [
      await server.send('{ me { id } }', { token: account.accessToken }),
      await server.refresh(account.refreshToken),
      await server.send('{ me { id } }', { token: account.accessToken }),
    ]
    expect(answers.map(({ status, code }) => ({ status, code }))).toEqual(
      Array(3).fill({ status: 503, code: 'UNAVAILABLE' }),
    )
  })
})

it('An object in the wrong state is no outage, although its code is the same', () => {
  const error = Object.assign(new Error('currval of sequence "x" is not yet defined in this session'), {
    code: '55000',
  })
  expect(fromDriver(error)).toBe(error)
  const closed = Object.assign(new Error('database "closed" is not currently accepting connections'), {
    code: '55000',
  })
  expect(fromDriver(closed)).toBeInstanceOf(OutageError)
})
