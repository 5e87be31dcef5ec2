import { randomUUID } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import { expect, test } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pglite'
import { embeddedRevocation } from '../../src/revocation/embeddedRevocation.ts'
import { deadNodes } from '../../src/revocation/purge.ts'

async function openTables() {
  const client = await PGlite.create()
  const db = drizzle(client)
  await db.execute(sql`create schema annul`)
  await db.execute(sql`create table annul.revocations (
    id bigserial primary key, kind text not null, subject uuid, min_version bigint, reason text not null,
    revoked_at timestamptz not null default now())`)
  await db.execute(
    sql`create table annul.nodes (id uuid primary key, lease_ms integer not null, beat bigint not null default 0)`,
  )
  return { client, db }
}

test('on the embedded database the view is read once, kept by the barrier, and read again after a restart', async () => {
  const { client, db } = await openTables()
  const end = (sid: string) =>
    db.execute(
      sql`insert into annul.revocations (kind, subject, reason) values ('session', ${sid}, 'LOGGED_OUT')`,
    )
  const claims = { sub: randomUUID(), sid: randomUUID(), ver: 3, epoch: 1 }

  const first = embeddedRevocation(db, { leaseMs: 300, feedAckMs: 500 })
  expect(first.isFresh()).toBe(false)
  await first.start()
  expect(first.isFresh()).toBe(true)
  expect(first.view.verdict(claims)).toBeUndefined()
  await end(claims.sid)
  expect(await first.barrier()).toBe(0)
  expect(first.view.verdict(claims)).toBe('LOGGED_OUT')
  await first.stop()
  expect(first.isFresh()).toBe(false)

  await db.execute(sql`insert into annul.revocations (kind, subject, min_version, reason)
    values ('user', ${claims.sub}, 4, 'PASSWORD_CHANGED'), ('everyone', null, 2, 'EVERYTHING_REVOKED')`)
  const second = embeddedRevocation(db, { leaseMs: 300, feedAckMs: 500 })
  await second.start()
  expect(second.view.verdict(claims)).toBe('EVERYTHING_REVOKED')
  expect(second.view.verdict({ ...claims, epoch: 2 })).toBe('PASSWORD_CHANGED')
  expect(second.view.verdict({ ...claims, epoch: 2, ver: 4 })).toBe('LOGGED_OUT')
  await client.close()
})

test('the row that keeps the lease for the process after a crash outlives housekeeping, and ends with a clean stop', async () => {
  const { client, db } = await openTables()
  const revocation = embeddedRevocation(db, { leaseMs: 50, feedAckMs: 500 })
  await revocation.start()
  const link = { send: () => {}, unsentBytes: 0, close: () => {} }
  revocation.feed.attach(link, { kind: 'VERIFIER', name: 'orders' }).receive('{"type":"hello"}')
  await db.execute(sql`insert into annul.nodes (id, lease_ms) values (${randomUUID()}, 50)`)
  const dead = deadNodes(db as never, () => revocation.node()?.id)
  await dead.forget()
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(await dead.forget()).toBe(1)
  expect((await db.execute(sql`select id from annul.nodes`)).rows).toEqual([{ id: revocation.node()?.id }])
  await revocation.stop()
  expect((await db.execute(sql`select id from annul.nodes`)).rows).toEqual([])
  await client.close()
})
