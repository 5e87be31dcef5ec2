import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { rows } from '../../src/database/open.ts'
import { asOwner, emptyAudit } from '../support/auditTables.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
beforeEach(async () => {
  await emptyAudit(server)
  await server.rows(
    sql`insert into annul.audit_events (kind, at) values ('login', now()), ('login', now() - interval '2 days')`,
  )
  await server.rows(sql`insert into annul.audit_seals (hour, events, mac)
    values (date_trunc('hour', now()), 1, 'x'), (date_trunc('hour', now() - interval '2 days'), 1, 'y')`)
})

const setting = sql`select set_config('annul.audit_purge', 'on', true)`
/** Runs a statement in a transaction of the server's own role, with the purge's setting or without. */
const run = (statement: SQL, purging: boolean) =>
  server.auth.parts.db.transaction(async tx => {
    if (purging) await rows(tx, setting)
    return rows(tx, statement)
  })

/** What the database said, beneath what the driver and drizzle have put around it. */
async function refusalOf(statement: SQL, purging = false): Promise<{ code: unknown; message: string }> {
  let error: unknown = await run(statement, purging).then(
    () => new Error('It was not refused.'),
    (thrown: unknown) => thrown,
  )
  while (error instanceof Error && error.cause !== undefined) error = error.cause
  const { code, message } = error as Error & { code?: unknown }
  return { code, message }
}
const all = () =>
  server.rows(sql`select (select jsonb_agg(e order by id) from annul.audit_events e) as events,
    (select jsonb_agg(s order by hour) from annul.audit_seals s) as seals`)

const young = sql`at > now() - interval '1 day'`
const old = sql`at < now() - interval '1 day'`
const oldHour = sql`hour < now() - interval '1 day'`
const privilege = '42501'

describe('the server’s own role', () => {
  it.each([
    ['update annul.audit_events set kind = kind', 'annul.audit_events is append-only: UPDATE is refused'],
    ['delete from annul.audit_events', 'annul.audit_events is append-only: DELETE is refused'],
    ['truncate annul.audit_events', 'annul.audit_events is append-only: TRUNCATE is refused'],
    ['update annul.audit_seals set purged_at = now()', 'annul.audit_seals is append-only: UPDATE is refused'],
    ['delete from annul.audit_seals', 'annul.audit_seals is append-only: DELETE is refused'],
    ['truncate annul.audit_seals', 'annul.audit_seals is append-only: TRUNCATE is refused'],
  ])('can not %s', async (statement, message) => {
    const before = await all()
    expect(await refusalOf(sql.raw(statement))).toEqual({ code: privilege, message })
    expect(await all()).toEqual(before)
  })

  it('can delete old events when it says that it purges, and nothing else', async () => {
    const before = await all()
    const refusedInPurge = [
      [
        'annul.audit_events is append-only: UPDATE is refused',
        sql`update annul.audit_events set kind = 'x' where ${old}`,
      ],
      ['annul.audit_events is append-only: TRUNCATE is refused', sql`truncate annul.audit_events`],
      [
        'annul.audit_events is append-only: an event younger than a day can not be purged',
        sql`delete from annul.audit_events where ${young}`,
      ],
      [
        'annul.audit_events is append-only: an event younger than a day can not be purged',
        sql`delete from annul.audit_events`,
      ],
      [
        'annul.audit_seals is append-only: DELETE is refused',
        sql`delete from annul.audit_seals where ${oldHour}`,
      ],
      ['annul.audit_seals is append-only: TRUNCATE is refused', sql`truncate annul.audit_seals`],
    ] as const
    for (const [message, statement] of refusedInPurge)
      expect(await refusalOf(statement, true)).toEqual({ code: privilege, message })
    expect(await all()).toEqual(before)

    await run(sql`delete from annul.audit_events where ${old}`, true)
    expect(await server.rows(sql`select 1 from annul.audit_events where ${old}`)).toEqual([])
    // The setting ended with its transaction.
    await server.rows(
      sql`insert into annul.audit_events (kind, at) values ('login', now() - interval '2 days')`,
    )
    expect((await refusalOf(sql`delete from annul.audit_events where ${old}`)).code).toBe(privilege)
  })

  it('can note once that an old hour was purged, and change nothing else of a seal', async () => {
    const message = 'annul.audit_seals is append-only: UPDATE is refused'
    const refused = { code: privilege, message }
    const mark = sql`update annul.audit_seals set purged_at = now()`
    expect(await refusalOf(mark, true)).toEqual(refused)
    for (const change of [
      'events = 2',
      "mac = 'z'",
      "sealed_at = now() - interval '1 day'",
      "hour = hour - interval '1 hour'",
    ])
      expect(
        await refusalOf(
          sql`update annul.audit_seals set purged_at = now(), ${sql.raw(change)} where ${oldHour}`,
          true,
        ),
      ).toEqual(refused)
    await run(sql`${mark} where ${oldHour}`, true)
    expect(await refusalOf(sql`${mark} where ${oldHour}`, true)).toEqual(refused)
    expect(await refusalOf(sql`update annul.audit_seals set purged_at = null`, true)).toEqual(refused)
  })

  it('is refused by triggers alone: their owner can switch them off', async () => {
    await asOwner(server, sql`update annul.audit_events set kind = 'changed'`)
    expect(await server.rows(sql`select distinct kind from annul.audit_events`)).toEqual([
      { kind: 'changed' },
    ])
  })
})
