import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import postgres from 'postgres'
import { type EventPage, listEvents } from '../../src/audit/listEvents.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'

// The machine may have other things to do.
jest.setTimeout(180_000)

/* Transactions that are open at once: the embedded database has one at a time. */
const describePostgres = onPostgres ? describe : describe.skip

describePostgres('an event that is committed late', () => {
  const server = useServer()
  let client: postgres.Sql
  beforeAll(() => {
    client = postgres(server.env.DATABASE_URL ?? '', { max: 12, onnotice: () => {} })
  })
  afterAll(() => client.end())

  const page = (kind: string, first: number, after?: string) =>
    listEvents(server.auth.parts, { kind, first, after })
  const details = ({ edges }: EventPage) => edges.map(({ node }) => node.detail)
  const cursorOf = ({ edges }: EventPage) => edges.at(-1)?.cursor

  /** A transaction on a connection of its own, which goes on when it is told to. */
  async function begin(kind: string) {
    const connection = await client.reserve()
    await connection`begin`
    return {
      append: async (detail: string) => {
        const [row] = await connection<{ id: string }[]>`
          insert into annul.audit_events (kind, detail) values (${kind}, ${detail}) returning id::text as id`
        return row?.id ?? ''
      },
      /** Gives the transaction its number, before it appends anything. */
      number: () => connection`select pg_current_xact_id()`,
      async end(how: 'commit' | 'rollback') {
        await connection.unsafe(how)
        connection.release()
      },
    }
  }
  const appendNow = (kind: string, detail: string) =>
    server.rows(sql`insert into annul.audit_events (kind, detail) values (${kind}, ${detail})`)

  it('comes on the page after its commit, once', async () => {
    const kind = randomUUID()
    for (const detail of ['z', 'a']) await appendNow(kind, detail)
    const late = await begin(kind)
    await late.append('late')
    for (const detail of ['b', 'c']) await appendNow(kind, detail)
    const first = await page(kind, 3)
    await late.end('commit')
    const second = await page(kind, 1, cursorOf(first))
    const third = await page(kind, 1, cursorOf(second))
    expect([first, second, third].map(details)).toEqual([['c', 'b', 'a'], ['late'], ['z']])
    expect(second.hasNextPage).toBe(true)
    expect(third.hasNextPage).toBe(false)
  })

  it('comes also after the last page, for who asks again', async () => {
    const kind = randomUUID()
    await appendNow(kind, 'z')
    const late = await begin(kind)
    await late.append('late')
    await appendNow(kind, 'a')
    const last = await page(kind, 5)
    expect(last.hasNextPage).toBe(false)
    await late.end('commit')
    const again = await page(kind, 5, cursorOf(last))
    expect([last, again].map(details)).toEqual([['a', 'z'], ['late']])
    expect(details(await page(kind, 5, cursorOf(again)))).toEqual([])
  })

  it('comes also when its transaction has a number above all that the page knew', async () => {
    const kind = randomUUID()
    await appendNow(kind, 'z')
    const early = await begin(kind)
    await early.number()
    const late = await begin(kind)
    await late.append('late')
    // Its number is lower, and its event is higher: a snapshot after its commit does not name the other one.
    await early.append('a')
    await early.end('commit')
    const first = await page(kind, 5)
    await late.end('commit')
    const second = await page(kind, 5, cursorOf(first))
    expect([first, second].map(details)).toEqual([['a', 'z'], ['late']])
  })

  it('comes when more of them are late than a page holds', async () => {
    const kind = randomUUID()
    await appendNow(kind, 'a')
    await appendNow(kind, 'b')
    const transactions = await Promise.all(Array.from({ length: 5 }, () => begin(kind)))
    for (const [index, { append }] of transactions.entries()) await append(`late ${index}`)
    await appendNow(kind, 'c')
    let last = await page(kind, 2)
    const seen = details(last)
    for (const { end } of transactions.slice(0, 3)) await end('commit')
    for (let index = 0; index < 2; index++) {
      last = await page(kind, 1, cursorOf(last))
      seen.push(...details(last))
    }
    // Two more commit while the late ones are listed.
    for (const { end } of transactions.slice(3)) await end('commit')
    while (last.hasNextPage) {
      last = await page(kind, 1, cursorOf(last))
      seen.push(...details(last))
    }
    expect(seen).toEqual(['c', 'b', 'late 2', 'late 1', 'late 0', 'late 4', 'late 3', 'a'])
  })

  it('does not come if its transaction is rolled back', async () => {
    const kind = randomUUID()
    const late = await begin(kind)
    await late.append('late')
    await appendNow(kind, 'a')
    const first = await page(kind, 5)
    await late.end('rollback')
    expect(details(await page(kind, 5, cursorOf(first)))).toEqual([])
  })

  it('is not taken for an old one that has numbers of another cluster, after a restore', async () => {
    const kind = randomUUID()
    const running = await begin(kind)
    await running.number()
    // As a dump brings it in: an old event, and a number that a transaction of this cluster has now.
    await server.rows(sql`insert into annul.audit_events (kind, detail, at, xid)
      select ${kind}, 'restored ' || n, now() - interval '3 days', pg_snapshot_xmin(pg_current_snapshot())::text::xid8
      from generate_series(1, 3) n`)
    await appendNow(kind, 'a')
    const first = await page(kind, 3)
    const second = await page(kind, 3, cursorOf(first))
    await running.end('rollback')
    expect([first, second].map(details)).toEqual([['a', 'restored 3', 'restored 2'], ['restored 1']])
  })

  type Step =
    | { readonly does: 'number' | 'append' | 'commit' | 'rollback'; readonly transaction: number }
    | { readonly does: 'read' }
  const transactions = 5
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant('number'), transaction: fc.nat(transactions - 1) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ does: fc.constant('append'), transaction: fc.nat(transactions - 1) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ does: fc.constant('commit'), transaction: fc.nat(transactions - 1) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant('rollback'), transaction: fc.nat(transactions - 1) }),
    },
    { weight: 4, arbitrary: fc.constant({ does: 'read' }) },
  ) as fc.Arbitrary<Step>

  it('is neither missed nor repeated in any order of transactions and pages', async () => {
    let lateOnes = 0
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, first) => {
        const kind = randomUUID()
        const open = new Map<number, { transaction: Awaited<ReturnType<typeof begin>>; ids: string[] }>()
        const committed = new Set<string>()
        const seen: string[] = []
        let last: EventPage | undefined
        let atFirstPage = new Set<string>()
        const read = async () => {
          const next: EventPage = await page(kind, first, last && cursorOf(last))
          if (last === undefined) {
            if (next.edges.length === 0) return 0
            atFirstPage = new Set(committed)
          }
          // The list has come to its end: its last cursor is kept.
          if (next.edges.length > 0) last = next
          seen.push(...next.edges.map(({ node }) => node.id))
          return next.edges.length
        }
        const end = async (number: number, how: 'commit' | 'rollback') => {
          const ending = open.get(number)
          if (ending === undefined) return
          open.delete(number)
          await ending.transaction.end(how)
          if (how === 'commit') for (const id of ending.ids) committed.add(id)
        }
        try {
          for (const next of steps) {
            if (next.does === 'read') await read()
            else if (next.does === 'commit' || next.does === 'rollback')
              await end(next.transaction, next.does)
            else {
              const at = open.get(next.transaction) ?? { transaction: await begin(kind), ids: [] }
              open.set(next.transaction, at)
              if (next.does === 'number') await at.transaction.number()
              else at.ids.push(await at.transaction.append(next.does))
            }
          }
        } finally {
          for (const number of [...open.keys()]) await end(number, 'commit')
        }
        while ((await read()) > 0);
        const top = Number(seen[0] ?? 0)
        const promised = [...committed].filter(id => atFirstPage.has(id) || Number(id) < top)
        lateOnes += promised.filter(id => !atFirstPage.has(id)).length
        expect(new Set(seen).size).toBe(seen.length)
        expect(promised.filter(id => !seen.includes(id))).toEqual([])
        expect(seen.filter(id => !committed.has(id))).toEqual([])
      },
    )
    await fc.assert(property, { numRuns: 100 })
    // The schedules had what the test is about.
    expect(lateOnes).toBeGreaterThan(20)
  })
})
