import { describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { sealHours } from '../../src/audit/sealHours.ts'
import { purge } from '../../src/housekeeping.ts'
import { asOwner, emptyAudit } from '../support/auditTables.ts'
import { annul, newSecret, startNode } from '../support/command.ts'
import { onPostgres, temporaryDirectory } from '../support/database.ts'
import { useServer } from '../support/server.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

const describePostgres = onPostgres ? describe : describe.skip
const verify = (env: Record<string, string>, ...more: string[]) => annul(['audit', 'verify', ...more], env)

describePostgres('annul audit verify', () => {
  const server = useServer({ env: { ANNUL_AUDIT_DAYS: '30' } })
  const appendAt = (at: string, count: number) =>
    server.rows(sql`insert into annul.audit_events (kind, at)
      select 'login', ${at}::timestamptz + n * interval '1 minute' from generate_series(1, ${count}) n`)
  const nameOf = (time: string) => time.replace(/:00\.000Z$/, 'Z')

  it('tells what it checked, a purge and what is not sealed yet, and exits with 1 at the first broken hour', async () => {
    await emptyAudit(server)
    const [times] = await server.rows<Record<'purged' | 'kept' | 'last', Date>>(sql`
      select date_trunc('hour', now() - interval '31 days', 'UTC') as purged,
        date_trunc('hour', now() - interval '3 days', 'UTC') as kept, date_trunc('hour', now() - interval '2 days', 'UTC') as last`)
    const iso = (time: Date | undefined) => new Date(time ?? 0).toISOString()
    const [purged, kept, last] = [iso(times?.purged), iso(times?.kept), iso(times?.last)]
    await appendAt(purged, 3)
    await appendAt(kept, 4)
    await appendAt(last, 1)
    expect((await purge(server.auth.parts)).auditEvents).toBe(3)
    await server.rows(sql`insert into annul.audit_events (kind) values ('login')`)

    const { status, stdout, stderr } = await verify(server.env)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines.slice(0, -2)).toEqual([
      'Checked 3 sealed hours, with 5 events.',
      'Of them, 1 were purged in their time: their seals hold.',
      'Not sealed yet: 1 event. An hour is sealed some minutes after its end.',
      `The last seal that holds, of the hour ${nameOf(last)}:`,
    ])
    const seal = lines.at(-2) ?? ''
    expect(seal).toMatch(/^[0-9a-f]{144}$/)
    expect((await verify(server.env, '--seal', seal)).status).toBe(0)

    // The same events, purged before the time of another setting.
    expect(await verify({ ...server.env, ANNUL_AUDIT_DAYS: '60' })).toMatchObject({
      status: 1,
      stderr: `The audit is broken in the hour ${nameOf(purged)}: 3 events were removed before ANNUL_AUDIT_DAYS (60) were over.\n`,
    })

    await asOwner(
      server,
      sql`update annul.audit_events set kind = 'logout' where at > ${kept} and at < ${last}`,
    )
    const broken = await verify(server.env)
    expect(broken).toMatchObject({
      status: 1,
      stderr: `The audit is broken in the hour ${nameOf(kept)}: of 4 events at least one was changed or replaced.\n`,
    })
    expect(broken.stdout).toMatch(/^Checked 1 sealed hour before the broken one, with 0 events\.\n/)
  })

  it('tells that the last hours were cut off to an operator who gives a seal of before', async () => {
    await emptyAudit(server)
    await appendAt('2026-01-01T10:00:00Z', 2)
    await appendAt('2026-01-01T11:00:00Z', 2)
    const { last } = await sealHours(
      server.auth.parts.db,
      Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64'),
    )
    const after = sql`'2026-01-01T11:00:00Z'::timestamptz`
    await asOwner(
      server,
      sql`delete from annul.audit_seals where hour >= ${after}`,
      sql`delete from annul.audit_events where at >= ${after}`,
    )
    expect((await verify(server.env)).status).toBe(0)
    expect(await verify(server.env, '--seal', last?.seal ?? '')).toMatchObject({
      status: 1,
      stderr:
        'The audit is broken: no hour has the seal that was given. Hours were cut off, and perhaps sealed anew.\n',
    })
  })

  it('tells of seals that another secret has made', async () => {
    await emptyAudit(server)
    await appendAt('2026-01-01T10:00:00Z', 2)
    await sealHours(server.auth.parts.db, Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64'))
    const { status, stderr } = await verify({ ...server.env, ANNUL_SECRET: newSecret() })
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'The audit is broken in the hour 2026-01-01T10:00Z: the seal was made with another ANNUL_SECRET, or was changed. ' +
        'Check it with the secret that was set then.\n',
    })
  })

  it('refuses a seal that is none, before the database is opened, and has a page of help', async () => {
    const nowhere = { ANNUL_DATA_DIR: '/nowhere/at/all' }
    expect(await verify(nowhere, '--seal', 'abc')).toEqual({
      status: 1,
      stdout: '',
      stderr: '--seal must be a seal as this command prints it: 144 hexadecimal digits.\n',
    })
    const help = await verify(nowhere, '--help')
    expect(help.status).toBe(0)
    expect(help.stdout).toMatch(
      /^Usage: annul audit verify \[options\]\n\ncheck that no sealed audit event was removed/,
    )
    expect((await annul(['--help'], nowhere)).stdout).toMatch(/^ {2}audit +about the audit events$/m)
  })
})

describe('annul audit verify beside a running embedded server', () => {
  it('is performed by the server, whatever its answer', async () => {
    const env = { ANNUL_DATA_DIR: await temporaryDirectory() }
    const node = await startNode(env)
    await node.signUp()
    const { status, stdout, stderr } = await verify(env)
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout:
        'Checked 0 sealed hours, with 0 events.\nNot sealed yet: 1 event. An hour is sealed some minutes after its end.\n',
      stderr: '',
    })
    const cut = await verify(env, '--seal', '0'.repeat(144))
    expect(cut).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^The audit is broken: no hour has the seal/),
    })
    await node.stop()
  })
})
