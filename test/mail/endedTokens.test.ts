import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { purge, startHousekeeping } from '../../src/housekeeping.ts'
import { makeToken } from '../support/mails.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const server = useServer()

const left = async () => {
  const found = await server.rows<{ id: string }>(sql`select id::text from annul.one_time_tokens`)
  return found.map(({ id }) => id).sort()
}
const ended = async (age: string) => {
  const id = await makeToken(server, 'restore-email', { life: '72 hours' })
  await server.rows(
    sql`update annul.one_time_tokens set ended_at = now() - ${age}::interval where id = ${id}`,
  )
  return id
}

it('one-time tokens that ended or expired more than 7 days ago are removed, and no others', async () => {
  const kept = [
    await makeToken(server, 'reset-password'),
    await makeToken(server, 'reset-password', { life: '-6 days -23 hours' }),
    await ended('6 days 23 hours'),
  ].sort()
  await makeToken(server, 'reset-password', { life: '-7 days -1 minute' })
  await ended('7 days 1 minute')
  expect((await purge(server.auth.parts)).oneTimeTokens).toBe(2)
  expect(await left()).toEqual(kept)
})

it('a running node removes them by itself', async () => {
  await ended('8 days')
  const failures: unknown[] = []
  const stop = startHousekeeping(server.auth.parts, error => failures.push(error), 20)
  await until(left, ({ length }) => length === 3)
  stop()
  expect(failures).toEqual([])
})
