import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { rows } from '../../src/database/open.ts'
import { openPool } from '../../src/database/pool.ts'
import { openFences } from '../../src/revocation/drain.ts'
import { lockKey, type Subject } from '../../src/revocation/fence.ts'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { useFixture } from '../support/useFixture.ts'

/*
 * What a kill asks the database until nobody holds its fence, and when. The holders are real transactions; this
 * process's clock stands still, and no pause ends, until a test says so.
 */

const describePostgres = onPostgres ? describe : describe.skip

const one: Subject = { kind: 'user', subject: 'one' }
const other: Subject = { kind: 'user', subject: 'other' }

/** By the clock of the machine, which goes on. */
async function until(isSo: () => unknown): Promise<void> {
  const end = Date.now() + 15_000
  while (!isSo()) {
    if (Date.now() > end) throw new Error('Waited in vain.')
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** How long the pauses between two looks are, in milliseconds. */
const usual = Array.from({ length: 12 }, (_, turn) => Math.min(50, 2 * 1.5 ** turn))

/** One that this process does not end: an open transaction with a fence. */
interface Holder {
  readonly pid: number
  /** @returns when the transaction has ended: whether it has committed */
  release(): Promise<boolean>
}

describePostgres('a kill', () => {
  const database = useFixture(async () => {
    const url = await createPostgresDatabase()
    const client = postgres(url, { max: 2, onnotice: () => {} })
    await client`select 1`
    // Annul's own pool: the "postgres" client writes to a connection that the server has closed in a transaction.
    const limits = { name: 'holders', connections: 5, statementMs: 5000, transactionMs: 20_000 }
    const pool = openPool(url, limits)
    return {
      db: drizzle(client),
      held: drizzle(pool),
      close: () => Promise.all([client.end(), pool.end({ timeout: 1 })]),
    }
  })

  let now: number
  /** Pauses that have not ended, by how long they last. */
  let pauses: { readonly ms: number; readonly end: () => void }[]
  let asked: ('try' | 'find' | 'end')[]
  /** Statements that fail. */
  let fails: Set<string>
  /** Called before the holders are ended. */
  let beforeEnd: () => Promise<unknown>
  let told: unknown[][]
  let restore = () => {}
  let holders: Holder[]

  beforeEach(() => {
    now = 1_000_000
    pauses = []
    asked = []
    fails = new Set()
    beforeEnd = async () => {}
    told = []
    holders = []
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now)
    const real = globalThis.setTimeout
    globalThis.setTimeout = Object.assign((call: () => void, ms = 0, ...more: []) => {
      // The database's client has its own.
      if (!new Error().stack?.includes('/revocation/drain.ts')) return real(call, ms, ...more)
      pauses.push({ ms, end: call })
      return undefined
    }, real) as typeof setTimeout
    restore = () => {
      clock.mockRestore()
      globalThis.setTimeout = real
    }
  })
  afterEach(async () => {
    restore()
    await Promise.all(holders.map(holder => holder.release()))
  })

  function open(options?: { longestMs?: number }) {
    const decisions = {
      async execute(statement: SQL) {
        const { sql: text } = new PgDialect().sqlToQuery(statement)
        const kind = text.includes('pg_try_advisory_xact_lock')
          ? 'try'
          : text.includes('pg_terminate_backend')
            ? 'end'
            : 'find'
        asked.push(kind)
        if (fails.has(kind)) throw new Error('The database does not answer.')
        if (kind === 'end') await beforeEnd()
        return database.db.execute(statement)
      },
    }
    const note =
      (level: string) =>
      (...all: unknown[]) =>
        void told.push([level, ...all])
    const log = { info: note('info'), warn: note('warn'), error: note('error') }
    return openFences({ decisions: decisions as never, embedded: false }, log, options)
  }

  async function hold(subject: Subject): Promise<Holder> {
    let pid = 0
    let isOver = () => {}
    const over = new Promise<void>(resolve => {
      isOver = resolve
    })
    const transaction = database.held.transaction(async tx => {
      const [row] = await rows<{ pid: number }>(
        tx,
        sql`select pg_backend_pid() as pid, pg_advisory_xact_lock_shared(${lockKey(subject)})`,
      )
      pid = Number(row?.pid)
      await over
    })
    const ended = transaction.then(
      () => true,
      () => false,
    )
    await until(() => pid)
    const holder = {
      pid,
      release: () => {
        isOver()
        return ended
      },
    }
    holders.push(holder)
    return holder
  }

  /** Begins to wait. @returns how long it took, once it is over */
  function drain(fences: ReturnType<typeof open>, ...subjects: Subject[]) {
    const state: { ms?: number } = {}
    void fences.drained(subjects).then(ms => {
      state.ms = ms
    })
    return state
  }
  /** Until a look is over, and the pause after it has begun. */
  const looked = () => until(() => pauses.length > 0)
  /** Ends the pause, and waits for what the next look finds. */
  async function lookAgain() {
    const [pause] = pauses.splice(0)
    pause?.end()
    await looked()
  }
  /** Whoever is ended holds the lock for a moment more. */
  async function lookUntilOver(kill: { ms?: number }) {
    for (const end = Date.now() + 15_000; kill.ms === undefined && Date.now() < end; ) await lookAgain()
  }
  /** Ends the last pause: nothing is looked at after it. */
  async function finish() {
    pauses.splice(0).forEach(({ end }) => {
      end()
    })
    const count = asked.length
    // Another look would be under way by then.
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    expect([asked.length - count, pauses.length]).toEqual([0, 0])
  }

  it('asks once where nobody holds its fence', async () => {
    expect(await open().drained([one, other])).toBe(0)
    expect([asked, pauses]).toEqual([['try', 'try'], []])
  })

  it('asks nothing where nothing is killed', async () => {
    expect(await open().drained([])).toBe(0)
    expect(asked).toEqual([])
  })

  it('looks for holders after pauses that grow, to 50 ms, until they have ended', async () => {
    const holder = await hold(one)
    const kill = drain(open(), one)
    const lasted: (number | undefined)[] = []
    await looked()
    for (let turn = 0; turn < 12; turn++) {
      lasted.push(pauses[0]?.ms)
      expect([pauses.length, kill.ms]).toEqual([1, undefined])
      await lookAgain()
    }
    expect(lasted).toEqual(usual)
    expect(kill.ms).toBeUndefined()
    now += 777
    expect(await holder.release()).toBe(true)
    await lookAgain()
    expect([kill.ms, told]).toEqual([777, []])
    expect(asked).toEqual(['try', ...Array(14).fill('find')])
    await finish()
  })

  it('waits for each of those who hold its fence, and for nobody else', async () => {
    const [first, second] = [await hold(one), await hold(one)]
    await hold(other)
    const kill = drain(open(), one)
    await looked()
    await first.release()
    await lookAgain()
    expect(kill.ms).toBeUndefined()
    // Whoever comes later has read what the kill committed.
    await hold(one)
    await lookAgain()
    expect(kill.ms).toBeUndefined()
    await second.release()
    await lookAgain()
    expect(kill.ms).toBe(0)
    await finish()
  })

  it('waits for the holders of each subject', async () => {
    const [first, second] = [await hold(one), await hold(other)]
    const kill = drain(open(), one, other)
    await looked()
    await first.release()
    await lookAgain()
    expect(kill.ms).toBeUndefined()
    await second.release()
    await lookAgain()
    expect(kill.ms).toBe(0)
    await finish()
  })

  it('shares its looks with all kills of its node, and comes into the next one', async () => {
    const [first, second] = [await hold(one), await hold(other)]
    const fences = open()
    const early = drain(fences, one)
    await looked()
    const late = drain(fences, other)
    await until(() => asked.filter(kind => kind === 'try').length === 2)
    await second.release()
    expect([pauses.length, asked]).toEqual([1, ['try', 'find', 'try']])
    await lookAgain()
    expect([early.ms, late.ms, pauses.length]).toEqual([undefined, 0, 1])
    await first.release()
    await lookAgain()
    expect(early.ms).toBe(0)
    await finish()
    expect(asked).toEqual(['try', 'find', 'try', 'find', 'find'])

    // The next one begins to look again.
    const again = await hold(one)
    const next = drain(fences, one)
    await looked()
    await again.release()
    await lookAgain()
    expect(next.ms).toBe(0)
    await finish()
  })

  it('ends who holds its fence for 31.5 s, and not before', async () => {
    const [first, second] = [await hold(one), await hold(one)]
    const kill = drain(open(), one)
    await looked()
    now += 31_499
    await lookAgain()
    expect([asked.includes('end'), told]).toEqual([false, []])
    now += 1
    await lookAgain()
    const pids = expect.arrayContaining([first.pid, second.pid])
    expect(told).toEqual([['warn', { pids }, 'A transaction that held a fence for 30 s was ended.']])
    expect(await Promise.all([first.release(), second.release()])).toEqual([false, false])
    await lookUntilOver(kill)
    expect(kill.ms).toBe(31_500)
    await finish()
  })

  it('ends nobody who came later', async () => {
    await hold(one)
    const kill = drain(open({ longestMs: 1000 }), one)
    await looked()
    const later = await hold(one)
    now += 1000
    await lookUntilOver(kill)
    expect(kill.ms).toBe(1000)
    expect(await later.release()).toBe(true)
    await finish()
  })

  it('says nothing of those who have ended by themselves meanwhile', async () => {
    const holder = await hold(one)
    const kill = drain(open({ longestMs: 1000 }), one)
    await looked()
    now += 1000
    beforeEnd = () => holder.release()
    await lookAgain()
    await lookAgain()
    expect([kill.ms, told, asked.includes('end')]).toEqual([1000, [], true])
    await finish()
  })

  it('goes on when the database answers again', async () => {
    const holder = await hold(one)
    fails = new Set(['try', 'find'])
    const kill = drain(open(), one)
    await looked()
    await lookAgain()
    expect(kill.ms).toBeUndefined()
    fails.clear()
    await lookAgain()
    expect(kill.ms).toBeUndefined()
    await holder.release()
    await lookAgain()
    expect([kill.ms, asked]).toEqual([0, ['try', 'find', 'find', 'find', 'find']])
    await finish()
  })

  it('gives up who can not be ended, 5 s later, and tells the operator', async () => {
    const holder = await hold(one)
    fails = new Set(['end'])
    const kill = drain(open({ longestMs: 1000 }), one)
    await looked()
    now += 5999
    await lookAgain()
    expect([kill.ms, told, asked.at(-1)]).toEqual([undefined, [], 'end'])
    now += 1
    await lookAgain()
    expect(kill.ms).toBe(6000)
    expect(told).toEqual([
      ['error', one, 'A transaction holds a fence for more than 30 s, and can not be ended.'],
    ])
    expect(await holder.release()).toBe(true)
    await finish()
  })

  it('ends nobody whom it has never seen', async () => {
    const holder = await hold(one)
    fails = new Set(['try', 'find'])
    const kill = drain(open({ longestMs: 1000 }), one)
    await looked()
    now += 6000
    await lookAgain()
    expect([kill.ms, asked.at(-1)]).toEqual([6000, 'end'])
    expect(await holder.release()).toBe(true)
    await finish()
  })
})

it('On the embedded database a kill asks nothing, and waits for nobody', async () => {
  const log = { info() {}, warn() {}, error() {} }
  const decisions = { execute: () => Promise.reject(new Error('Nothing is asked.')) }
  const fences = openFences({ decisions: decisions as never, embedded: true }, log)
  expect(await fences.drained([one])).toBe(0)
})
