import { beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { purge, startHousekeeping } from '../../src/housekeeping.ts'
import { emptyAudit } from '../support/auditTables.ts'
import { annul } from '../support/command.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const onlyPostgres = onPostgres ? it : it.skip

// A lease that the server beats in, also on a busy machine: the purge takes a node for dead that is silent for longer.
const server = useServer({ env: { ANNUL_AUDIT_DAYS: '30', ANNUL_LEASE_MS: '3000' } })
beforeEach(() => emptyAudit(server))

/** Appends so many events of this age. */
const append = (detail: string, age: string, count = 1) =>
  server.rows(sql`insert into annul.audit_events (kind, detail, at)
    select 'login', ${detail}, now() - ${age}::interval from generate_series(1, ${count})`)

const remaining = async () => {
  const found = await server.rows<{ detail: string }>(sql`select detail from annul.audit_events order by at`)
  return found.map(({ detail }) => detail)
}

describe('audit events older than ANNUL_AUDIT_DAYS', () => {
  it('are removed by whole hours, whatever their number, and no younger one is', async () => {
    await append('long ago', '400 days', 2_500)
    await append('just over', '30 days 1 hour 1 minute')
    await append('just within', '29 days 23 hours 59 minutes')
    await append('now', '0 s')
    expect((await purge(server.auth.parts)).auditEvents).toBe(2_501)
    expect(await remaining()).toEqual(['just within', 'now'])
    expect((await purge(server.auth.parts)).auditEvents).toBe(0)
  })

  it('are removed by a running node, by itself', async () => {
    await append('over', '31 days')
    await append('within', '29 days')
    const failures: unknown[] = []
    const stop = startHousekeeping(server.auth.parts, error => failures.push(error), 20)
    expect(await until(remaining, ({ length }) => length === 1)).toEqual(['within'])
    stop()
    expect(failures).toEqual([])
  })

  onlyPostgres('are removed by the command, which counts them', async () => {
    await append('over', '31 days', 3)
    await append('within', '29 days')
    const { status, stdout } = await annul(['purge'], server.env)
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(
        /^Removed \d+ rows of the log, 0 sessions, 3 audit events and 0 dead nodes\.\n$/,
      ),
    })
    expect(await remaining()).toEqual(['within'])
  })

  onlyPostgres('are found by an index, not by reading all that are kept', async () => {
    await append('within', '1 day', 50_000)
    await server.rows(sql`analyze annul.audit_events`)
    const plan = await server.rows<Record<string, string>>(sql`
      explain select id from annul.audit_events where at < now() - make_interval(days => 30) order by at limit 1000`)
    expect(JSON.stringify(plan)).toContain('audit_events_at')
  })
})
