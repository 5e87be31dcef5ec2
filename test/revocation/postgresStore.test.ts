import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import postgres from 'postgres'
import { OutageError } from '../../src/database/outage.ts'
import { postgresStore } from '../../src/revocation/postgresStore.ts'
import type { RevocationConnection } from '../../src/revocation/store.ts'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'

/* One connection of a follower, and each of its statements. */

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('a connection of the follower', () => {
  const database = useFixture(async () => {
    const url = await createPostgresDatabase()
    const sql = postgres(url, { max: 2, onnotice: () => {} })
    return { url, sql, close: () => sql.end() }
  })

  const open: RevocationConnection[] = []
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.close()
    await database.sql`delete from annul.nodes`
    await database.sql`delete from annul.revocations`
  })
  async function connect(onHint: (xid?: string) => void = () => {}, statementMs = 5000) {
    const connection = await postgresStore(database.url, { statementMs }).connect(onHint)
    open.push(connection)
    return connection
  }
  const followers = async () => {
    const found = await database.sql<{ pid: number }[]>`select pid from pg_stat_activity
      where application_name = 'annul-follow' and datname = current_database()`
    return found.map(({ pid }) => pid)
  }
  /** @returns the id of the transaction that has appended the rows */
  async function append(
    ...rows: [kind: string, subject: string | null, version: number | null, reason: string][]
  ) {
    return database.sql.begin(async tx => {
      for (const [kind, subject, version, reason] of rows)
        await tx`insert into annul.revocations (kind, subject, min_version, reason, revoked_at)
          values (${kind}, ${subject}, ${version}, ${reason}, date_trunc('minute', now()) - interval '1 second')`
      const [row] = await tx<{ xid: string }[]>`select pg_current_xact_id()::text as xid`
      return String(row?.xid)
    })
  }
  /** When `append` says that something was revoked. */
  async function revokedAt() {
    const [row] = await database.sql<{ ms: number }[]>`
      select (extract(epoch from max(revoked_at)) * 1000)::float8 as ms from annul.revocations`
    return Number(row?.ms)
  }
  const nodes = async () => [
    ...(await database.sql`select id, beat::int, lease_ms, synced::text from annul.nodes order by lease_ms`),
  ]
  const [sid, sub, kid] = [randomUUID(), randomUUID(), randomUUID()]
  const appendEveryKind = () =>
    append(
      ['everyone', null, 3, 'EVERYTHING_REVOKED'],
      ['session', sid, null, 'LOGGED_OUT'],
      ['user', sub, 7, 'PASSWORD_CHANGED'],
      ['key', kid, null, 'KEY_REVOKED'],
    )
  const asRead = (at: number) => [
    { kind: 'everyone', subject: undefined, minVersion: 3, reason: 'EVERYTHING_REVOKED', revokedAt: at },
    { kind: 'session', subject: sid, minVersion: undefined, reason: 'LOGGED_OUT', revokedAt: at },
    { kind: 'user', subject: sub, minVersion: 7, reason: 'PASSWORD_CHANGED', revokedAt: at },
    { kind: 'key', subject: kid, minVersion: undefined, reason: 'KEY_REVOKED', revokedAt: at },
  ]

  describe('reads', () => {
    it('the log in pages, with times that are rounded up to the minute', async () => {
      const connection = await connect()
      expect(await connection.page('0')).toBeUndefined()
      await appendEveryKind()
      // The same reason at the same time, of another session.
      const second = randomUUID()
      await append(['session', second, null, 'LOGGED_OUT'])
      const at = (await revokedAt()) + 1000
      const page = await connection.page('0')
      const more = {
        kind: 'session',
        subject: second,
        minVersion: undefined,
        reason: 'LOGGED_OUT',
        revokedAt: at,
      }
      expect(page?.revocations).toStrictEqual([...asRead(at), more])
      const [last] = await database.sql<{ id: string }[]>`select max(id)::text as id from annul.revocations`
      expect(page?.lastId).toBe(last?.id)
      expect(await connection.page(String(last?.id))).toBeUndefined()
      const rest = await connection.page(String(Number(last?.id) - 1))
      expect(rest?.revocations).toStrictEqual([more])
    })

    it('no row that is too old to matter, except of a key', async () => {
      const connection = await connect()
      await append(['session', sid, null, 'LOGGED_OUT'], ['key', kid, null, 'KEY_REVOKED'])
      await database.sql`update annul.revocations set revoked_at = now() - interval '3721 seconds'`
      const page = await connection.page('0')
      expect(page?.revocations.map(({ kind }) => kind)).toEqual(['key'])
    })

    it('what was not in a snapshot, and that is nothing at first', async () => {
      const connection = await connect()
      const before = await connection.snapshot()
      expect(before).toMatch(/^\d+:\d+:[\d,]*$/)
      expect((await connection.read(before)).revocations).toEqual([])
      await appendEveryKind()
      const { revocations, snapshot } = await connection.read(before)
      expect(revocations).toStrictEqual(asRead(await revokedAt()))
      expect((await connection.read(snapshot)).revocations).toEqual([])
    })

    it('what ran while a snapshot was taken, and has committed since', async () => {
      const connection = await connect()
      let snapshot = ''
      await database.sql.begin(async tx => {
        await tx`insert into annul.revocations (kind, subject, reason) values ('session', ${sid}, 'LOGGED_OUT')`
        await append(['session', sub, null, 'LOGGED_OUT'])
        snapshot = await connection.snapshot()
        expect((await connection.read(snapshot)).revocations).toEqual([])
      })
      const { revocations } = await connection.read(snapshot)
      expect(revocations.map(({ subject }) => subject)).toEqual([sid])
    })

    it('all rows of nodes', async () => {
      const connection = await connect()
      const node = randomUUID()
      await connection.join(node, 777, [])
      expect([...(await connection.nodes())]).toEqual([{ id: node, beat: '0', leaseMs: 777, synced: '1:1:' }])
    })
  })

  describe('writes', () => {
    it('the row of a node in place of its former rows, and of no other', async () => {
      const connection = await connect()
      const [one, two, three, other] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
      for (const id of [one, two, other]) await connection.join(id, 500, [])
      await connection.join(three, 777, [one, two])
      expect((await nodes()).map(({ id, lease_ms }) => [id, lease_ms])).toEqual([
        [other, 500],
        [three, 777],
      ])
    })

    it('a beat, with what is new, the time and the longest lease', async () => {
      const connection = await connect()
      const [node, other] = [randomUUID(), randomUUID()]
      await connection.join(node, 777, [])
      await connection.join(other, 5000, [])
      const since = await connection.snapshot()
      const first = await connection.beat(node, since, '5:6:')
      expect(first).toMatchObject({ found: true, longestLeaseMs: 5000, revocations: [] })
      expect(Math.abs(first.databaseMs - Date.now())).toBeLessThan(60_000)
      expect((await nodes()).map(({ beat, synced }) => [beat, synced])).toEqual([
        [1, '5:6:'],
        [0, '1:1:'],
      ])
      await appendEveryKind()
      const second = await connection.beat(node, first.snapshot, '6:7:')
      expect(second.revocations).toStrictEqual(asRead(await revokedAt()))
      expect((await connection.beat(node, second.snapshot, '6:7:')).revocations).toEqual([])
      await connection.leave(node)
      await connection.leave(other)
      expect(await connection.beat(node, since, '5:6:')).toMatchObject({ found: false, longestLeaseMs: 0 })
    })

    it('what a node has applied', async () => {
      const connection = await connect()
      const [node, other] = [randomUUID(), randomUUID()]
      await connection.join(node, 1, [])
      await connection.join(other, 2, [])
      await connection.publish(node, '8:9:')
      expect((await nodes()).map(({ synced }) => synced)).toEqual(['8:9:', '1:1:'])
    })

    it('that a node has left, or is forgotten unless it has beaten', async () => {
      const connection = await connect()
      const [node, other] = [randomUUID(), randomUUID()]
      await connection.join(node, 1, [])
      await connection.join(other, 2, [])
      await connection.leave(node)
      expect((await nodes()).map(({ id }) => id)).toEqual([other])
      await connection.forget(other, '1')
      await connection.forget(node, '0')
      expect((await nodes()).map(({ id }) => id)).toEqual([other])
      await connection.forget(other, '0')
      expect(await nodes()).toEqual([])
    })

    it('a transaction, of which every node hears', async () => {
      const hints: (string | undefined)[] = []
      await connect(xid => hints.push(xid))
      const xid = await (await connect()).takeTransactionId()
      expect(xid).toMatch(/^\d+$/)
      await until(() => hints.length)
      expect(hints).toEqual([xid])
    })
  })

  it('needs nothing but the URL', async () => {
    const connection = await postgresStore(database.url).connect(() => {})
    open.push(connection)
    expect(await connection.nodes()).toHaveLength(0)
  })

  it('hears of transactions, and of anything else that there may be news', async () => {
    const hints: (string | undefined)[] = []
    await connect(xid => hints.push(xid))
    for (const payload of ['12345', '', 'x1', '1x', '1 2'])
      await database.sql`select pg_notify('annul_revocations', ${payload})`
    await database.sql`select pg_notify('another_channel', '7')`
    await until(() => hints.length === 5)
    expect(hints).toEqual(['12345', undefined, undefined, undefined, undefined])
  })

  it('that is lost is told once, opened by nobody again, and takes no statement', async () => {
    const hints: (string | undefined)[] = []
    const connection = await connect(xid => hints.push(xid))
    const [pid] = await followers()
    await database.sql`select pg_terminate_backend(${Number(pid)})`
    await until(() => hints.length)
    const failure: unknown = await connection.snapshot().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(OutageError)
    expect(failure).toMatchObject({ cause: new Error('The connection of the follower was lost.') })
    connection.close()
    expect([hints, await followers()]).toEqual([[undefined], []])
  })

  it('that is closed tells so once, and is closed', async () => {
    let hints = 0
    const connection = await connect(() => hints++)
    expect(await followers()).toHaveLength(1)
    connection.close()
    connection.close()
    expect(hints).toBe(1)
    await until(followers, found => found.length === 0)
    await expect(connection.snapshot()).rejects.toThrow(OutageError)
  })

  it('has its slow statements ended by the server first, so that it stays', async () => {
    const connection = await connect(() => {}, 1000)
    await database.sql.begin(async tx => {
      await tx`lock table annul.nodes in access exclusive mode`
      const failure: unknown = await connection.nodes().catch((error: unknown) => error)
      expect(failure).toMatchObject({ cause: { code: '57014' } })
    })
    expect(await connection.nodes()).toHaveLength(0)
  })

  it('does not flush what it writes, except the row of a node', async () => {
    const connection = await connect()
    await database.sql`create table public.flushed (what text, it text)`
    await database.sql.unsafe(`
      create function note() returns trigger language plpgsql as $$
        begin insert into public.flushed values (tg_op, current_setting('synchronous_commit')); return new; end $$;
      create trigger note after insert or update on annul.nodes for each row execute function note()`)
    const node = randomUUID()
    await connection.join(node, 777, [])
    await connection.publish(node, '5:6:')
    const noted = await database.sql`select what, it from public.flushed`
    await database.sql`drop trigger note on annul.nodes`
    expect([...noted]).toEqual([
      { what: 'INSERT', it: 'on' },
      { what: 'UPDATE', it: 'off' },
    ])
  })

  it('to a server that says nothing is given up, and closed', async () => {
    let open = 0
    const server = createServer(socket => {
      open++
      socket.resume().on('error', () => {})
      socket.on('close', () => open--)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    let hints = 0
    const store = postgresStore(`postgres://annul@127.0.0.1:${port}/annul`, { statementMs: 100 })
    await expect(store.connect(() => hints++)).rejects.toThrow(OutageError)
    await until(() => open === 0)
    expect(hints).toBe(1)
    server.close()
  })
})
