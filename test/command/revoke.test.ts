import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import { useOperatedServer } from '../support/operatedServer.ts'

const me = '{ me { id } }'

const operated = useOperatedServer()

/** The epoch, and the database's time in whole seconds. */
async function readEpoch(): Promise<{ epoch: number; time: number }> {
  const [row] = await operated.server.rows<{ epoch: number; time: number }>(
    sql`select epoch::float8, floor(extract(epoch from clock_timestamp()))::float8 as time from annul.epochs`,
  )
  if (row === undefined) throw new Error('There is no epoch.')
  return row
}

// In this order: what follows a restore goes on from its epoch.
describe.each([
  ['restored', 'Every session and token from before the restore has ended.'],
  ['revoke-everything', 'Every session and token has ended.'],
])('annul %s', (command, said) => {
  it('ends every token of everybody on a running node, and lets them sign in again', async () => {
    const accounts = [await operated.server.signUp(), await operated.server.signUp()]
    const before = await readEpoch()
    expect(await operated.run(command, '--yes')).toEqual({ status: 0, stdout: `${said}\n`, stderr: '' })

    const { server } = operated
    for (const account of accounts) {
      const answer = await server.send(me, { token: account.accessToken })
      expect(answer).toMatchObject({ status: 401, data: null })
      expect(answer).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'EVERYTHING_REVOKED' })
      const refreshed = await server.refresh(account.refreshToken)
      expect(refreshed).toMatchObject({ data: null })
      expect(refreshed).toMatchObject({ code: 'INVALID_REFRESH_TOKEN', reason: 'EVERYTHING_REVOKED' })
      const again = await server.login(account)
      const admitted = await server.send(me, { token: again.accessToken })
      expect(admitted.data).toEqual({ me: { id: account.userId } })
    }

    const { epoch } = await readEpoch()
    // No lost future can have issued one as high as the time: epochs rise by one a kill.
    if (command === 'restored') expect(epoch).toBeGreaterThanOrEqual(before.time)
    else expect(epoch).toBe(before.epoch + 1)
    const [audit] = await server.rows(
      sql`select kind, user_id, actor_id from annul.audit_events where kind = 'revoke-everything' order by id desc limit 1`,
    )
    expect(audit).toEqual({ kind: 'revoke-everything', user_id: null, actor_id: null })
  })
})

describe('annul purge', () => {
  it('removes what nobody can need any more, and nothing else', async () => {
    const account = await operated.server.signUp()
    const changes = {
      ended31: sql`ended_at = now() - interval '31 days', end_reason = 'LOGGED_OUT'`,
      idle31: sql`idle_expires_at = now() - interval '31 days'`,
      old31: sql`expires_at = now() - interval '31 days'`,
      ended29: sql`ended_at = now() - interval '29 days', end_reason = 'LOGGED_OUT'`,
      idle29: sql`idle_expires_at = now() - interval '29 days'`,
      live: sql`generation = 1`,
    }
    const ids: Record<string, string> = {}
    for (const [name, change] of Object.entries(changes)) {
      const { session } = await operated.server.login(account)
      ids[name] = session.id
      await operated.server.rows(sql`update annul.sessions set ${change} where id = ${session.id}`)
    }
    await operated.server.rows(sql`delete from annul.revocations`)
    await operated.server.rows(sql`
      insert into annul.revocations (kind, subject, reason, revoked_at)
      select 'session', id, 'LOGGED_OUT', now() - make_interval(secs => age)
      from annul.sessions, unnest(array[3600, 3780]) as age where id = ${ids.ended29}`)
    // One that died; the one that lives beats on, and has the longest lease for that, also on a busy machine.
    await operated.server.rows(sql`insert into annul.nodes (id, lease_ms) values (gen_random_uuid(), 3000)`)
    const others = () =>
      operated.server.rows(sql`
        select (select count(*) from annul.audit_events)::int as audits, (select count(*) from annul.users)::int as users,
          (select count(*) from annul.signing_keys)::int as keys, (select count(*) from annul.epochs)::int as epochs`)
    const before = await others()

    expect(await operated.run('purge')).toEqual({
      status: 0,
      // A process on the embedded database takes all rows along when it stops.
      stdout: `Removed 1 rows of the log, 3 sessions, 0 audit events and ${onPostgres ? 1 : 0} dead nodes.\n`,
      stderr: '',
    })

    const { server } = operated
    const left = await server.rows<{ id: string }>(
      sql`select id from annul.sessions where user_id = ${account.userId} and id <> ${account.session.id}`,
    )
    expect(left.map(({ id }) => id).sort()).toEqual([ids.ended29, ids.idle29, ids.live].sort())
    const log = await server.rows(
      sql`select (extract(epoch from now() - revoked_at) / 600)::int as age from annul.revocations`,
    )
    expect(log).toEqual([{ age: 6 }])
    expect(await others()).toEqual(before)
    expect(await server.rows(sql`select id from annul.nodes`)).toHaveLength(onPostgres ? 1 : 0)
    const admitted = await server.send(me, { token: account.accessToken })
    expect(admitted.data).toEqual({ me: { id: account.userId } })
  })
})
