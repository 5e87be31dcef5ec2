import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type postgres from 'postgres'
import { outageOf } from '../../src/database/outage.ts'
import { openPool } from '../../src/database/pool.ts'
import { serializeError } from '../../src/log.ts'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { startProxy } from '../support/proxy.ts'
import { useServer } from '../support/server.ts'
import { query } from '../support/sql.ts'
import { until } from '../support/until.ts'

const describePostgres = onPostgres ? describe : describe.skip
const limits = { statementMs: 500, transactionMs: 1500 }

describePostgres('a statement with a deadline', () => {
  let url: string
  const pools: postgres.Sql[] = []
  beforeAll(async () => {
    url = await createPostgresDatabase()
  })
  afterAll(() => Promise.all(pools.map(pool => pool.end({ timeout: 1 }))))

  const open = (connections: number, at = url, own: Partial<typeof limits> = {}) => {
    const pool = openPool(at, { ...limits, ...own, connections, name: `test-${pools.length}` })
    pools.push(pool)
    return pool
  }
  const pidOf = async (pool: postgres.Sql) => (await run(pool, 'select pg_backend_pid() as pid'))[0]?.pid

  it('is ended by a server that lives before the deadline comes, and its connection stays', async () => {
    const pool = open(1)
    const pid = await pidOf(pool)
    const failure = await failureOf(run(pool, 'select pg_sleep(10)'))
    expect(outageOf(failure)?.cause).toMatchObject({ name: 'PostgresError', code: '57014' })
    expect(await pidOf(pool)).toBe(pid)
  })

  it('is given up when nothing is heard, with all that shares its connection, and the next is answered', async () => {
    const { host, hostname, port } = new URL(url)
    const proxy = await startProxy({ host: hostname, port: Number(port) })
    const pool = open(1, url.replace(host, `${hostname}:${proxy.port}`))
    await pidOf(pool)
    proxy.set('drop')
    const failures = await Promise.all([failureOf(pidOf(pool)), failureOf(pidOf(pool))])
    expect(outageOf(failures[0])?.cause).toMatchObject({ name: 'DeadlineError' })
    for (const failure of failures) expect(outageOf(failure)).toBeDefined()
    proxy.set('forward')
    expect(await pidOf(pool)).toBeGreaterThan(0)
    await pool.end({ timeout: 1 })
    await proxy.close()
  })

  it('only waits for its turn behind transactions, and disturbs none of them when its time is over', async () => {
    // Each step is far shorter than a statement may be, and together they are longer.
    const pool = open(1, url, { statementMs: 2000, transactionMs: 8000 })
    const long = pool.begin(async tx => {
      for (let step = 0; step < 9; step++) await run(tx, 'select pg_sleep(0.3)')
      return run(tx, 'select 7 as answer')
    })
    const failure = await failureOf(run(pool, 'create table never (id int)'))
    expect(outageOf(failure)?.cause).toMatchObject({ name: 'DeadlineError' })
    expect(await long).toEqual([{ answer: 7 }])
    // What was told to have failed is not done later.
    expect(await run(pool, `select to_regclass('never') as found`)).toEqual([{ found: null }])
  })

  it('gets a connection of its own while transactions hold the others', async () => {
    const pool = open(2)
    const held = pool.begin(async tx => {
      const inside = await pidOf(tx as unknown as postgres.Sql)
      const outside = await Promise.all([pidOf(pool), pidOf(pool), pidOf(pool)])
      return { inside, outside }
    })
    const { inside, outside } = await held
    expect(new Set(outside).size).toBe(1)
    expect(outside).not.toContain(inside)
  })

  it('gets the lock of a transaction whose node was frozen, before its own deadline', async () => {
    const { host, hostname, port } = new URL(url)
    const proxy = await startProxy({ host: hostname, port: Number(port) })
    const frozen = open(1, url.replace(host, `${hostname}:${proxy.port}`))
    const lock = 'select pg_advisory_xact_lock(7)'
    const held = frozen.begin(async tx => {
      await run(tx, lock)
      proxy.set('drop')
      await run(tx, lock)
    })
    const failure = failureOf(held)
    await until(async () => (await run(open(1), "select from pg_locks where locktype = 'advisory'")).length)
    await open(1).begin(tx => run(tx, lock))
    expect(outageOf(await failure)).toBeDefined()
    await proxy.close()
  })

  it('never gets the answer of another, however connections are lost', async () => {
    const pool = open(3)
    const mine = `from pg_stat_activity where application_name = 'test-${pools.length - 1}'`
    let answered = 0
    let lost = 0
    let stop = false
    const ask = async (start: number) => {
      for (let value = start; !stop; value += 100) {
        const rows = await run(pool, 'select $1::int as value', [value]).catch(error => {
          expect(outageOf(error)).toBeDefined()
          lost++
        })
        if (rows === undefined) continue
        expect(rows).toEqual([{ value }])
        answered++
      }
    }
    const asking = Array.from({ length: 20 }, (_, index) => ask(index))
    for (let round = 0; round < 10; round++) {
      const before = answered
      await query(url, `select pg_terminate_backend(pid) ${mine}`)
      // They come back by themselves, each time.
      await until(
        () => answered,
        count => count > before + 20,
      )
    }
    stop = true
    await Promise.all(asking)
    expect(lost).toBeGreaterThan(0)
    // None is left behind.
    expect((await query(url, `select pid ${mine}`)).length).toBeLessThanOrEqual(3)
  })

  it('travels with BEGIN, where it is the first of a transaction', async () => {
    const { host, hostname, port } = new URL(url)
    const proxy = await startProxy({ host: hostname, port: Number(port) })
    const pool = open(1, url.replace(host, `${hostname}:${proxy.port}`))
    const pid = await pidOf(pool)
    proxy.set('mute')
    const whole = pool.begin(tx => run(tx, 'select 7 as answer'))
    // No answer has reached the client, and the server has both already.
    await until(async () => {
      const [seen] = await query(url, `select state, query from pg_stat_activity where pid = ${pid}`)
      return seen?.state === 'idle in transaction' && seen.query === 'select 7 as answer'
    })
    proxy.set('forward')
    expect(await whole).toEqual([{ answer: 7 }])
    await pool.end({ timeout: 1 })
    await proxy.close()
  })

  it('is never inside the transaction of another, however the connection was opened', async () => {
    const pool = open(1)
    await query(url, 'create table own (id int)')
    // The connection is opened by the first, while the others wait for it.
    const asked = [1, 2, 3].map(value => run(pool, 'select $1::int as value', [value]))
    const kept = run(pool, 'insert into own values ($1)', [1])
    await asked[0]
    const undone = pool.begin(async tx => {
      await run(tx, 'insert into own values ($1)', [2])
      await kept
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await Promise.all(asked)
    // It was answered, so it must not have been rolled back with the transaction.
    expect(await run(pool, 'select id from own')).toEqual([{ id: 1 }])
  })

  it('does not wait for those that come after it, however the connection was opened', async () => {
    const pool = open(1)
    const asked = [1, 2, 3].map(value => run(pool, 'select $1::int as value', [value]))
    let isAnswered = false
    const first = run(pool, 'select $1::text as first', [0]).then(() => {
      isAnswered = true
    })
    await asked[0]
    // The connection always has a statement to answer.
    let later = 0
    const ask = async () => {
      for (; !isAnswered && later < 20; later++) await run(pool, 'select pg_sleep(0.01)')
    }
    await Promise.all([ask(), ask()])
    await Promise.all([...asked, first])
    expect(later).toBeLessThan(5)
  })

  it('is not sent again within the transaction of another, where its prepared form has grown old', async () => {
    const pool = open(1)
    await query(url, 'create table shapes (id int)')
    const insert = 'insert into shapes (id) values ($1) returning *'
    await run(pool, insert, [1])
    await query(url, 'alter table shapes add column area int')
    // Asked before the transaction begins: `run` asks a moment later.
    const kept = pool.unsafe(insert, [2]).then(rows => [...rows])
    const undone = pool.begin(async tx => {
      await run(tx, 'select 1')
      await kept
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await kept).toEqual([{ id: 2, area: null }])
    expect(await run(pool, 'select id from shapes')).toEqual([{ id: 1 }, { id: 2 }])
  })

  it('is refused by a transaction that has ended', async () => {
    const pool = open(1)
    await run(pool, 'create table late (id int)')
    const asked: Promise<unknown>[] = []
    let isOver = false
    const undone = pool.begin(async tx => {
      const late = until(() => isOver).then(() => run(tx, 'insert into late values ($1)', [1]))
      asked.push(late)
      await run(tx, 'select 1')
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    isOver = true
    await expect(asked[0]).rejects.toThrow('ended')
    expect(await run(pool, 'select id from late')).toEqual([])
  })

  it('spoils its transaction when it fails, even where the error is caught', async () => {
    const pool = open(1)
    await run(pool, 'create table caught (id int)')
    const failure = await failureOf(
      pool.begin(async tx => {
        await run(tx, 'insert into caught values (1)')
        await run(tx, 'select no_such_column').catch(() => {})
      }),
    )
    expect(failure).toMatchObject({ code: '42703' })
    expect(await run(pool, 'select id from caught')).toEqual([])
  })

  it('is in a transaction that has a deadline as a whole, and is rolled back', async () => {
    const pool = open(1, url, { statementMs: 3000 })
    await run(pool, 'create table steps (id int)')
    const failure = await failureOf(
      pool.begin(async tx => {
        for (let step = 0; step < 6; step++) {
          await run(tx, 'insert into steps values ($1)', [step])
          await run(tx, 'select pg_sleep(0.3)')
        }
      }),
    )
    expect(outageOf(failure)?.cause).toMatchObject({ name: 'DeadlineError' })
    expect(await run(pool, 'select id from steps')).toEqual([])
  })
})

describe('an error of the database', () => {
  const secret = 'hash-of-a-password-0123456789'
  const server = useServer()

  it('is written to the log without the values of its statement', async () => {
    const account = await server.signUp()
    const statements = [
      sql`insert into annul.users (id, email, email_key, password_hash)
          values (gen_random_uuid(), ${secret}, ${account.email}, ${secret})`,
      sql`select ${secret}::int`,
      sql`select ${secret} from annul.no_such_table`,
    ]
    for (const statement of statements) {
      const failure = await failureOf(server.rows(statement))
      // It is there, so the test is about something.
      expect(Object.values(failure as object).flat()).toContain(secret)
      const written = JSON.stringify(serializeError(failure))
      expect(written).not.toContain(secret)
      expect(written).not.toContain(account.email)
      // What helps an operator is left: the kind, the code, the place.
      expect(written).toMatch(/"code":"(23505|22P02|42P01)"/)
      expect(written).toMatch(/database\.test\.ts|open\.ts/)
    }
  })
})

/** Rows of a statement, as drizzle asks for them. */
async function run(
  on: Pick<postgres.Sql, 'unsafe'>,
  text: string,
  parameters: number[] = [],
): Promise<Record<string, unknown>[]> {
  return [...(await on.unsafe(text, parameters))]
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('It did not fail.')
}
