import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { AuthError } from '../../../src/errors.ts'
import { refresh } from '../../../src/sessions/refresh.ts'
import type { DeviceVisitor } from '../../../src/viewer.ts'
import type { Account, TokensAnswer } from '../../support/client.ts'
import { onPostgres } from '../../support/database.ts'
import { noDevice } from '../../support/noDevice.ts'
import { useServer } from '../../support/server.ts'
import {
  attemptBound,
  broken,
  firstRow,
  firstWorld,
  next,
  type Policy,
  type Presented,
  type Row,
  type Step,
  steps,
  take,
  type World,
} from './reference.ts'

/*
 * The server against refresh.md (reference.ts): first the reference keeps every promise in every interleaving, then the
 * server gives the reference's verdict and makes the reference's row, for everything that can be presented to it.
 */

const server = useServer()
let account: Account & TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
})

const visitor: DeviceVisitor = {
  ipAddress: '192.0.2.1',
  userAgent: null,
  binding: undefined,
  newBinding: undefined,
  device: noDevice,
  revoked: () => {},
}

const maxSteps = 8
// Thousands of statements: a few seconds, and more on a machine that is busy.
jest.setTimeout(60_000)

/** All interleavings. Of two that lead to the same world one goes on; tabs have no names. */
function explore(policy: Policy, maxDepth = maxSteps) {
  const reached = new Set<string>()
  const rows = new Map<string, { row: Row; presented: Map<string, Presented> }>()
  let worlds = [firstWorld]
  for (let depth = 0; depth < maxDepth; depth++) {
    const following: World[] = []
    for (const world of worlds)
      for (const step of steps) {
        const taken = take(world, step, policy)
        if (!taken) continue
        const fault = broken(taken.world, step, taken.seen, policy)
        if (fault) return { fault, worlds: reached.size, rows }
        if (taken.seen) note(rows, world.row, taken.seen.presented)
        const { tabs, ...rest } = taken.world
        const key = JSON.stringify([rest, tabs.map(tab => JSON.stringify(tab)).sort()])
        if (reached.size < reached.add(key).size) following.push(taken.world)
      }
    worlds = following
  }
  return { fault: undefined, worlds: reached.size, rows }
}

function note(
  rows: Map<string, { row: Row; presented: Map<string, Presented> }>,
  row: Row,
  presented: Presented,
) {
  const key = JSON.stringify(row)
  const found = rows.get(key) ?? { row, presented: new Map() }
  rows.set(key, found)
  found.presented.set(JSON.stringify(presented), presented)
}

// What the model calls an attempt, as a client would send it.
const attemptOf = (name: string) => name.padEnd(22, '.')
const hashOf = (name: string | null) =>
  name === null ? null : `\\x${createHash('sha256').update(attemptOf(name)).digest('hex')}`

/** The row, the whole of it: what the model speaks of, and everything else. */
async function readRow(sessionId: string) {
  const [found] = await server.rows<{ row: Record<string, unknown> }>(
    sql`select to_jsonb(s) as row from annul.sessions s where id = ${sessionId}`,
  )
  if (!found) throw new Error('There is no such session.')
  return found.row
}

/** A session like another: the same row under another id. */
async function clone(sessionId: string): Promise<string> {
  const [made] = await server.rows<{ id: string }>(sql`
    insert into annul.sessions
    select (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid()))).*
    from annul.sessions s where id = ${sessionId} returning id`)
  if (!made) throw new Error('There is no such session.')
  return made.id
}

/** What the real verb says: the reason of a refusal, or the generation whose token it gave. */
async function present(sessionId: string, { generation, attempt }: Presented): Promise<string | number> {
  const { parts } = server.auth
  const refreshToken = parts.refreshTokens.derive({ sessionId, generation })
  try {
    const sent = attempt === null ? null : attemptOf(attempt)
    const tokens = await refresh(parts, visitor, { refreshToken, attempt: sent })
    const claims = parts.refreshTokens.read(tokens.refreshToken)
    return typeof claims === 'string' ? claims : claims.generation
  } catch (error) {
    if (error instanceof AuthError && error.code === 'INVALID_REFRESH_TOKEN')
      return error.reason ?? error.code
    throw error
  }
}

const answerOf = ({ outcome, row }: ReturnType<Policy>) =>
  outcome === 'ROTATED' || outcome === 'REPLAYED' ? row.generation : outcome

const columnsOf = ({ generation, attempts, ended }: Row) => ({
  generation,
  attempts: attempts.map(hashOf),
  ended_at: ended ? expect.any(String) : null,
  end_reason: ended ? 'REFRESH_REUSED' : null,
})

/** Presents, and compares answer and row. What does not change the model's row changes nothing in the real one. */
async function check(sessionId: string, row: Row, presented: Presented): Promise<Row> {
  const expected = attemptBound(row, presented)
  const before = expected.row === row ? await readRow(sessionId) : undefined
  const answer = await present(sessionId, presented)
  const after = await readRow(sessionId)
  expect({ row, presented, answer, after }).toEqual({
    row,
    presented,
    answer: answerOf(expected),
    after: before ?? expect.objectContaining(columnsOf(expected.row)),
  })
  return expected.row
}

/** A session that nobody has refreshed yet. */
const open = () => clone(account.session.id)

describe('the rules of refresh', () => {
  it(`keep every promise in all interleavings of two tabs and a thief, up to ${maxSteps} steps`, () => {
    const { fault, worlds, rows } = explore(attemptBound)
    expect(fault).toBeUndefined()
    // So many that nothing was left out by a mistake of the search.
    expect([worlds > 1000, rows.size > 100]).toEqual([true, true])
  })

  const others: [string, Policy, string][] = [
    [
      'each token once, whoever repeats it is a thief',
      (row, presented) => attemptBound(row, { ...presented, attempt: null }),
      'An honest user can’t go on though no copy was used.',
    ],
    [
      'the last token goes on for a while',
      (row, presented) =>
        !row.ended && row.generation - presented.generation === 1
          ? { outcome: 'REPLAYED', row }
          : attemptBound(row, presented),
      'A thief would survive the next honest refresh.',
    ],
    [
      'an old token is refused, and that is all',
      (row, presented) => {
        const { outcome, row: changed } = attemptBound(row, presented)
        return outcome === 'REFRESH_REUSED' ? { outcome: 'TOKEN_INVALID', row } : { outcome, row: changed }
      },
      'A thief would survive the next honest refresh.',
    ],
    [
      'an attempt is asked for, and whose it is does not matter',
      (row, { generation, attempt }) => {
        const kept = row.attempts[row.generation - generation - 1]
        return attemptBound(row, { generation, attempt: attempt && (kept ?? attempt) })
      },
      'A thief would survive the next honest refresh.',
    ],
  ]
  it.each(others)('and the search would find it if they did not: %s', (_, policy, fault) => {
    expect(explore(policy).fault).toBe(fault)
  })
})

describe('the server', () => {
  it('gives the verdict of the rules, and makes their row, wherever an interleaving can lead', async () => {
    // The embedded database does one statement at a time: there one step less, which is half of them.
    const { rows } = explore(attemptBound, onPostgres ? maxSteps : maxSteps - 1)
    // A real session for each row: the one that real refreshes have brought there.
    const sessions = new Map([[JSON.stringify(firstRow), await open()]])
    let checked = 0
    const checkRow = async (key: string, row: Row, presented: Iterable<Presented>) => {
      const from = sessions.get(key) ?? ''
      for (const one of presented) {
        const isChange = attemptBound(row, one).row !== row
        const sessionId = isChange ? await clone(from) : from
        const after = JSON.stringify(await check(sessionId, row, one))
        if (isChange && !sessions.has(after)) sessions.set(after, sessionId)
        checked++
      }
    }
    // Each round has the rows that the one before has led to.
    const left = new Map(rows)
    while (left.size > 0) {
      const ready = [...left].filter(([key]) => sessions.has(key))
      for (const [key] of ready) left.delete(key)
      if (ready.length === 0) throw new Error('There is a row that nothing leads to.')
      await inParallel(8, ready, ([key, { row, presented }]) => checkRow(key, row, presented.values()))
    }
    expect(checked).toBeGreaterThan(onPostgres ? 500 : 250)
  })

  it('does so in longer ones, and keeps the promises', async () => {
    const schedule = fc.array(fc.constantFrom(...steps), { minLength: 10, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(schedule, async taken => {
        const sessionId = await open()
        let world = firstWorld
        for (const step of taken) world = (await follow(sessionId, world, step)) ?? world
      }),
      { numRuns: 15 },
    )
  })

  async function follow(sessionId: string, world: World, step: Step): Promise<World | undefined> {
    const taken = take(world, step, attemptBound)
    if (!taken) return undefined
    if (taken.seen) {
      const row = await check(sessionId, world.row, taken.seen.presented)
      expect(row).toEqual(taken.world.row)
    }
    expect(broken(taken.world, step, taken.seen, attemptBound)).toBeUndefined()
    return taken.world
  }

  /** Anything authentic, from far behind to ahead, with anybody's attempt. */
  const presentation = fc.record({
    behind: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: -2, max: 11 }) },
    ),
    attempt: fc.constantFrom('mine', 'mine', 'mine', 'another', 'of the next', null),
  })
  type Drawn = { behind: number; attempt: string | null }
  const drawn = (row: Row, { behind, attempt }: Drawn): Presented => {
    const generation = Math.max(1, row.generation - behind)
    const named = attempt === 'of the next' ? `mine-${generation + 1}` : `${attempt}-${generation}`
    return { generation, attempt: attempt === null ? null : named }
  }

  it('does so for whatever else is presented: up to eleven behind, and ahead', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 12 }),
        fc.array(presentation, { minLength: 1, maxLength: 8 }),
        async (rotations, list) => {
          const sessionId = await open()
          let row = await rotateTo(sessionId, rotations)
          for (const one of list) row = await check(sessionId, row, drawn(row, one))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('does so at once: there is an order of concurrent refreshes that the rules explain', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 }),
        fc.array(presentation, { minLength: 2, maxLength: 4 }),
        async (rotations, list) => {
          const sessionId = await open()
          const row = await rotateTo(sessionId, rotations)
          const presented = list.map(one => drawn(row, one))
          const answers = await Promise.all(presented.map(one => present(sessionId, one)))
          const after = await readRow(sessionId)
          const explained = orders(presented.map((one, index) => ({ one, answer: answers[index] }))).some(
            order => {
              const last = inOrder(row, order)
              return last !== undefined && matches(after, last)
            },
          )
          expect({ row, presented, answers, explained }).toMatchObject({ explained: true })
        },
      ),
      { numRuns: 30 },
    )
  })

  /** The row that this order leads to, where each answer is the rules' one. */
  function inOrder(
    first: Row,
    order: { one: Presented; answer: string | number | undefined }[],
  ): Row | undefined {
    let row = first
    for (const { one, answer } of order) {
      const expected = attemptBound(row, one)
      if (answerOf(expected) !== answer) return undefined
      row = expected.row
    }
    return row
  }

  function matches(after: Record<string, unknown>, row: Row): boolean {
    const { generation, attempts, end_reason } = after
    const expected = [row.generation, row.attempts.map(hashOf), row.ended ? 'REFRESH_REUSED' : null]
    return JSON.stringify([generation, attempts, end_reason]) === JSON.stringify(expected)
  }

  async function rotateTo(sessionId: string, rotations: number): Promise<Row> {
    let row = firstRow
    for (let time = 0; time < rotations; time++) {
      const attempt = `mine-${row.generation}`
      await present(sessionId, { generation: row.generation, attempt })
      row = next(row, attempt)
    }
    return row
  }
})

async function inParallel<T>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: limit }, worker))
}

function orders<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map(rest => [item, ...rest]))
}
