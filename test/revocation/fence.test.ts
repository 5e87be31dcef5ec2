import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { type Database, rows } from '../../src/database/open.ts'
import { openPool } from '../../src/database/pool.ts'
import type { GraphQLContext } from '../../src/request/context.ts'
import type { AppTransaction } from '../../src/revocation/appTransaction.ts'
import { openFences } from '../../src/revocation/drain.ts'
import { claimsOf } from '../support/answers.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { type TestServer, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* An app's own transaction, on the database that Annul uses. */

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('a fence', () => {
  const server = useServer()
  let client: postgres.Sql
  let db: Database
  beforeAll(async () => {
    client = postgres(server.env.DATABASE_URL ?? '', {
      max: 4,
      onnotice: () => {},
      transform: postgres.camel,
    })
    db = drizzle(postgres(server.env.DATABASE_URL ?? '', { max: 4, onnotice: () => {} }))
    await client.unsafe('create table public.notes (owner uuid, body text)')
  })
  afterAll(async () => {
    await client.end()
    await (db as unknown as { $client: postgres.Sql }).$client.end()
  })

  const contextOf = (token?: string): GraphQLContext => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return server.auth.context({ headers }, { appendHeader: () => {} })
  }
  const notesOf = async (owner: string) =>
    (await server.rows(sql`select 1 from public.notes where owner = ${owner}`)).length

  type Way = (
    work: (tx: AppTransaction, write: (owner: string) => Promise<unknown>) => Promise<void>,
  ) => Promise<void>
  const ways: Record<string, Way> = {
    'the postgres client': async work => {
      await client.begin(tx =>
        work(tx, owner => tx`insert into public.notes values (${owner}, 'by postgres')`),
      )
    },
    Drizzle: async work => {
      await db.transaction(tx =>
        work(tx, async owner => tx.execute(sql`insert into public.notes values (${owner}, 'by drizzle')`)),
      )
    },
  }

  describe.each(Object.keys(ways))('in a transaction of %s', name => {
    const transact: Way = work => (ways[name] as Way)(work)

    it('gives the viewer, and lets the transaction write', async () => {
      const account = await server.signUp()
      const { auth } = contextOf(account.accessToken)
      await transact(async (tx, write) => {
        const { userId, sessionId } = await auth.fence(tx)
        expect({ userId, sessionId }).toEqual({ userId: account.userId, sessionId: account.session.id })
        await write(userId)
      })
      expect(await notesOf(account.userId)).toBe(1)
    })

    it('keeps a kill waiting until the transaction has ended, and refuses the next one', async () => {
      const account = await server.signUp()
      const { auth } = contextOf(account.accessToken)
      let logout: ReturnType<TestServer['send']> | undefined
      let answered = false
      await transact(async (tx, write) => {
        await auth.fence(tx)
        logout = server.send('mutation { logout }', { token: account.accessToken })
        void logout.then(() => {
          answered = true
        })
        // It has committed, and waits for this very transaction.
        await until(async () => (await endedSessions(account.userId)) > 0)
        await delay(200)
        expect(answered).toBe(false)
        await write(account.userId)
      })
      expect(await logout).toMatchObject({ data: { logout: true } })
      expect(await notesOf(account.userId)).toBe(1)
      // The context has decided before: the fence asks the rows.
      const late = transact(async (tx, write) => {
        await auth.fence(tx)
        await write(account.userId)
      })
      await expect(late).rejects.toMatchObject({ code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT' })
      expect(await notesOf(account.userId)).toBe(1)
    })

    it('refuses a sender without a token, and writes nothing', async () => {
      const refused = transact(async tx => {
        await contextOf().auth.fence(tx)
      })
      await expect(refused).rejects.toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' })
    })

    it('gives the transaction 30 seconds', async () => {
      const account = await server.signUp()
      await transact(async tx => {
        await contextOf(account.accessToken).auth.fence(tx)
        const text = "select current_setting('transaction_timeout') as seconds"
        const answer = 'unsafe' in tx ? tx.unsafe(text) : tx.execute(sql.raw(text) as never)
        expect(Array.from((await answer) as Iterable<unknown>)).toEqual([{ seconds: '30s' }])
      })
    })

    it('refuses a transaction that has written before', async () => {
      const account = await server.signUp()
      const late = transact(async (tx, write) => {
        await write(account.userId)
        await contextOf(account.accessToken).auth.fence(tx)
      })
      await expect(late).rejects.toThrow('A fence must be the first statement of its transaction.')
      expect(await notesOf(account.userId)).toBe(0)
    })
  })

  it.each(['repeatable read', 'serializable'])('refuses a transaction under %s', async level => {
    const account = await server.signUp()
    const transaction = client.begin(`isolation level ${level}`, tx =>
      contextOf(account.accessToken).auth.fence(tx),
    )
    await expect(transaction).rejects.toThrow(
      `A fence needs READ COMMITTED, and this transaction is ${level.toUpperCase()}.`,
    )
  })

  it('refuses what is no transaction, where its lock would be gone at once', async () => {
    const account = await server.signUp()
    const { auth } = contextOf(account.accessToken)
    for (const wrong of [client, db, undefined, {}, 'begin'])
      await expect(auth.fence(wrong as unknown as AppTransaction)).rejects.toThrow(TypeError)
  })

  it('reads its rows after it got its lock, not before it waited', async () => {
    const account = await server.signUp()
    const { auth } = contextOf(account.accessToken)
    await auth.decide()
    const { waiting, release } = await holdExclusively(`user ${account.userId}`)
    const late = client.begin(tx => auth.fence(tx))
    await until(async () => (await waitingLocks()) > 0)
    await waiting(account)
    await release()
    await expect(late).rejects.toMatchObject({ code: 'UNAUTHENTICATED', reason: 'USER_BLOCKED' })
  })

  it('refuses roles that were taken away by hand, without a new version', async () => {
    const account = await server.signUp()
    await server.rows(sql`update annul.users set roles = '{editor,"a,b{}"}' where id = ${account.userId}`)
    const { refresh } = (await server.refresh(account.refreshToken)).data ?? {}
    expect(claimsOf(refresh?.accessToken ?? '').roles).toEqual(['editor', 'a,b{}'])
    const { auth } = contextOf(refresh?.accessToken)
    await client.begin(tx => auth.fence(tx))
    await server.rows(sql`update annul.users set roles = '{editor}' where id = ${account.userId}`)
    await expect(client.begin(tx => auth.fence(tx))).rejects.toMatchObject({ reason: 'ACCESS_CHANGED' })
  })

  it('is taken from a transaction that holds it for too long', async () => {
    const account = await server.signUp()
    const { auth } = contextOf(account.accessToken)
    const told: string[] = []
    const note = (_: object, message: string) => void told.push(message)
    const log = { info: note, warn: note, error: note }
    const fences = openFences({ decisions: db, embedded: false }, log, { longestMs: 300 })
    let drained: Promise<number> | undefined
    // Annul's own pool: the "postgres" client writes to a connection that the server has closed in a transaction.
    const limits = { name: 'holder', connections: 1, statementMs: 5000, transactionMs: 20_000 }
    const pool = openPool(server.env.DATABASE_URL ?? '', limits)
    const held = drizzle(pool).transaction(async tx => {
      await auth.fence(tx)
      drained = fences.drained([{ kind: 'user', subject: account.userId }])
      await drained
      await tx.execute(sql`insert into public.notes values (${account.userId}, 'too late')`)
    })
    await expect(held).rejects.toThrow()
    expect(await drained).toBeGreaterThanOrEqual(300)
    await pool.end({ timeout: 1 })
    expect(told).toEqual(['A transaction that held a fence for 30 s was ended.'])
    expect(await notesOf(account.userId)).toBe(0)
  })

  it('holds up no kill of another user, however many kills wait for held ones', async () => {
    const silent = { info: () => {}, warn: () => {}, error: () => {} }
    const fences = openFences({ decisions: server.auth.parts.decisions, embedded: false }, silent)
    const accounts = await Promise.all(Array.from({ length: 12 }, () => server.signUp()))
    const holders = postgres(server.env.DATABASE_URL ?? '', { max: accounts.length, onnotice: () => {} })
    let release = () => {}
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    let held = 0
    const transactions = accounts.map(({ accessToken }) =>
      holders.begin(async tx => {
        await contextOf(accessToken).auth.fence(tx)
        held++
        await released
      }),
    )
    await until(() => held === accounts.length)
    let drained = 0
    const kills = accounts.map(async ({ userId }) => {
      await fences.drained([{ kind: 'user', subject: userId }])
      drained++
    })

    const other = await server.signUp()
    await client.begin(async tx => {
      await contextOf(other.accessToken).auth.fence(tx)
    })
    await fences.drained([{ kind: 'user', subject: other.userId }])
    // The same where the other user's own fence is held for a moment.
    const brief = client.begin(async tx => {
      await contextOf(other.accessToken).auth.fence(tx)
      await delay(100)
    })
    await delay(50)
    await fences.drained([{ kind: 'user', subject: other.userId }])
    await brief
    expect(drained).toBe(0)

    // A fence that comes behind a waiting kill is not held up by it.
    const [first] = accounts
    if (first === undefined) throw new Error('There is no account.')
    await client.begin(async tx => {
      await contextOf(first.accessToken).auth.fence(tx)
    })
    release()
    await Promise.all([...kills, ...transactions])
    await holders.end()
  })

  async function endedSessions(userId: string): Promise<number> {
    const ended = sql`select 1 from annul.sessions where user_id = ${userId} and ended_at is not null`
    return (await server.rows(ended)).length
  }

  /** How many advisory locks are waited for. */
  async function waitingLocks(): Promise<number> {
    const found = sql`select 1 from pg_locks where locktype = 'advisory' and not granted
                        and database = (select oid from pg_database where datname = current_database())`
    return (await rows(db, found)).length
  }

  /** Holds the lock of a kill, which commits its change only now: as a kill never does, so that the order is certain. */
  async function holdExclusively(name: string) {
    const connection = await client.reserve()
    await connection`select pg_advisory_lock(hashtextextended(${`annul fence ${name}`}, 0))`
    return {
      waiting: ({ userId }: Account & TokensAnswer) =>
        connection`update annul.users set token_version = token_version + 1, token_reason = 'USER_BLOCKED'
                   where id = ${userId}`,
      async release() {
        await connection`select pg_advisory_unlock_all()`
        connection.release()
      },
    }
  }
})
