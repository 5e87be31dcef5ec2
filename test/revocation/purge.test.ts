import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { openDatabase, rows } from '../../src/database/open.ts'
import { deadNodes, expiredRevocations } from '../../src/revocation/purge.ts'
import { createDatabase } from '../support/database.ts'
import { useFixture } from '../support/useFixture.ts'

/* What is removed of the log and of the nodes. The clock of this process stands still until a test moves it. */

const database = useFixture(async () => {
  const { env } = await createDatabase()
  return openDatabase({ databaseUrl: env.DATABASE_URL, dataDir: env.ANNUL_DATA_DIR ?? '' })
})

let now = 0
let restore = () => {}
beforeEach(() => {
  now = 1_000_000
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now)
  restore = () => clock.mockRestore()
})
afterEach(async () => {
  restore()
  await rows(database.db, sql`delete from annul.nodes`)
  await rows(database.db, sql`delete from annul.revocations`)
})

describe('rows of the log', () => {
  /** @param seconds how old the row is */
  async function append(reason: string, seconds: number, kind = 'session') {
    await rows(
      database.db,
      sql`insert into annul.revocations (kind, subject, reason, revoked_at)
          values (${kind}, ${randomUUID()}, ${reason}, now() - make_interval(secs => ${seconds}))`,
    )
  }
  const left = async () => {
    const found = await rows<{ reason: string }>(
      database.db,
      sql`select reason from annul.revocations order by id`,
    )
    return found.map(({ reason }) => reason)
  }

  it('are removed when no token can be left that they end, and those of keys never', async () => {
    await append('of a live token', 3700)
    await append('of a dead token', 3721)
    await append('of a key', 1_000_000, 'key')
    expect(await rows(database.db, expiredRevocations(1000))).toHaveLength(1)
    expect(await left()).toEqual(['of a live token', 'of a key'])
  })

  it('are removed so many at a time, the oldest first', async () => {
    await append('younger', 5000)
    await append('oldest', 7000)
    await append('older', 6000)
    expect(await rows(database.db, expiredRevocations(2))).toHaveLength(2)
    expect(await left()).toEqual(['younger'])
  })
})

describe('the row of a node', () => {
  async function join(leaseMs: number) {
    const id = randomUUID()
    await rows(database.db, sql`insert into annul.nodes (id, lease_ms) values (${id}, ${leaseMs})`)
    return id
  }
  const beat = (id: string) => rows(database.db, sql`update annul.nodes set beat = beat + 1 where id = ${id}`)
  const left = async () => {
    const found = await rows<{ id: string }>(database.db, sql`select id::text from annul.nodes`)
    return found.map(({ id }) => id).sort()
  }

  it('is removed when its beat stood still for the longest lease of all, and not before', async () => {
    const [quick, slow] = [await join(1000), await join(4000)]
    const dead = deadNodes(database.db, () => undefined)
    expect(await dead.forget()).toBe(0)
    expect(dead.pauseMs()).toBe(4200)
    now += 4199
    await beat(slow)
    expect(await dead.forget()).toBe(0)
    now += 1
    expect(await dead.forget()).toBe(1)
    expect(await left()).toEqual([slow])
    expect(quick).not.toBe(slow)
  })

  it('counts with a longer lease that was seen before', async () => {
    const slow = await join(4000)
    const dead = deadNodes(database.db, () => undefined)
    await dead.forget()
    await rows(database.db, sql`delete from annul.nodes where id = ${slow}`)
    const quick = await join(1000)
    await dead.forget()
    now += 4199
    expect(await dead.forget()).toBe(0)
    expect(await left()).toEqual([quick])
    now += 1
    expect(await dead.forget()).toBe(1)
  })

  it('stays where it is that of this process, which need not beat', async () => {
    const [own, other] = [await join(1000), await join(1000)]
    const dead = deadNodes(database.db, () => own)
    await dead.forget()
    now += 2000
    expect(await dead.forget()).toBe(1)
    expect(await left()).toEqual([own])
    expect(other).not.toBe(own)
  })

  it('stays where the node has beaten since its row was read', async () => {
    const [late, dead] = [await join(1000), await join(1000)]
    let others: Promise<unknown> = Promise.resolve()
    const nodes = deadNodes(database.db, () => {
      // Called between the reading and the removal.
      others = now > 1_000_000 ? beat(late) : others
      return undefined
    })
    await nodes.forget()
    now += 2000
    const removed = await nodes.forget()
    await others
    expect([removed, await left()]).toEqual([1, [late]])
    expect(dead).not.toBe(late)
  })
})

it('Without a node nothing is removed, and nothing waited for', async () => {
  const dead = deadNodes(database.db, () => undefined)
  expect([await dead.forget(), dead.pauseMs()]).toEqual([0, 0])
})
