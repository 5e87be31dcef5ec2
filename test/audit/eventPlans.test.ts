import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { conditionOf, pageStatement } from '../../src/audit/listEvents.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { query } from '../support/sql.ts'

// The machine may have other things to do.
jest.setTimeout(300_000)

const describePostgres = onPostgres ? describe : describe.skip

/* Buffers of 8 KiB, the same on every machine: the whole table has some 15,000. */
const fewBuffers = 700

describePostgres('a page of 1,000,000 events', () => {
  const server = useServer()
  const [frequent, rare] = [randomUUID(), randomUUID()]
  beforeAll(async () => {
    // On a connection without the server's deadline for statements.
    const fill = `
      insert into annul.audit_events (kind, user_id, xid)
      select case when n % 50000 = 0 then 'rare' else 'login' end,
        case when n % 20000 = 0 then '${rare}'::uuid when n % 3 = 0 then '${frequent}'::uuid else gen_random_uuid() end,
        (1000000 + n)::text::xid8
      from generate_series(1, 1000000) n`
    await query(server.env.DATABASE_URL ?? '', fill)
    await query(server.env.DATABASE_URL ?? '', 'analyze annul.audit_events')
  }, 300_000)

  async function buffersOf(statement: SQL): Promise<number> {
    const [row] = await server.rows<Record<string, { Plan: Record<string, number> }[]>>(
      sql`explain (analyze, buffers, format json) ${statement}`,
    )
    const [explained] = row?.['QUERY PLAN'] ?? []
    return (explained?.Plan['Shared Hit Blocks'] ?? 0) + (explained?.Plan['Shared Read Blocks'] ?? 0)
  }

  const filters = {
    'all events': { userId: null, kind: null },
    'a user with many events': { userId: frequent, kind: null },
    'a user with few events': { userId: rare, kind: null },
    'a frequent kind': { userId: null, kind: 'login' },
    'a rare kind': { userId: null, kind: 'rare' },
    'a kind of a user with few events': { userId: rare, kind: 'login' },
  }

  it.each(Object.entries(filters))('of %s does not read the table', async (_, filter) => {
    const condition = conditionOf(filter)
    expect(await buffersOf(pageStatement(undefined, condition, 51))).toBeLessThan(fewBuffers)

    const [{ snapshot = '', top = '' } = {}] = await server.rows<{ snapshot: string; top: string }>(sql`
      select pg_current_snapshot()::text as snapshot, max(id)::text as top from annul.audit_events`)
    const [xmin = '1', xmax = '1'] = snapshot.split(':')
    const running = Array.from({ length: 50 }, (_, index) => BigInt(xmin) + BigInt(index))
    const busy = `${xmin}:${BigInt(xmax) + 100n}:${running.join()}`
    const position = { id: String(Number(top) - 500_000), snapshot: busy, top, readAt: '1' }
    const late = { id: top, snapshot: busy }
    for (const place of [position, { ...position, late }])
      expect(await buffersOf(pageStatement(place, condition, 51))).toBeLessThan(fewBuffers)
  })
})
