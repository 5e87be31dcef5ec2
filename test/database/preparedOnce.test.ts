import { randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { eq, sql } from 'drizzle-orm'
import type { Queries } from '../../src/database/open.ts'
import { preparedOnce, writtenOnce } from '../../src/database/preparedOnce.ts'
import { users } from '../../src/database/tables.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

/** A statement that inserts a user, and how often it was built. */
function insertion() {
  const counted = { built: 0 }
  const insert = preparedOnce(queries => {
    counted.built++
    return queries
      .insert(users)
      .values({ id: sql.placeholder('id') })
      .returning({ id: users.id })
      .prepare('test_insertion')
  })
  return { counted, insert }
}
const isThere = async (queries: Queries, id: string) =>
  (await queries.select({ id: users.id }).from(users).where(eq(users.id, id))).length > 0

describe('a statement that is built once', () => {
  it('runs in the transaction that it is given, and on the database where it is given that', async () => {
    const { db } = server.auth.parts
    const { counted, insert } = insertion()
    const ids = Array.from({ length: 4 }, () => randomUUID())
    const undone = (id = '') =>
      db.transaction(async tx => {
        expect(await insert(tx).execute({ id })).toEqual([{ id }])
        expect(await isThere(tx, id)).toBe(true)
        tx.rollback()
      })
    await expect(undone(ids[0])).rejects.toThrow('Rollback')
    await insert(db).execute({ id: ids[1] })
    await expect(undone(ids[2])).rejects.toThrow('Rollback')
    await db.transaction(tx => insert(tx).execute({ id: ids[3] }))
    expect(await Promise.all(ids.map(id => isThere(db, id)))).toEqual([false, true, false, true])
    expect(counted.built).toBe(1)
  })

  it('is built once for each database', async () => {
    const { db, decisions } = server.auth.parts
    const { counted, insert } = insertion()
    const all = [db, decisions, db, decisions]
    for (const queries of all) await insert(queries as Queries).execute({ id: randomUUID() })
    expect(counted.built).toBe(new Set<unknown>(all).size)
  })

  it('is built anew where drizzle keeps its client elsewhere', () => {
    const dialect = {}
    for (const [session, built] of [
      [{ connection: {} }, {}],
      [{ client: {} }, { connection: {} }],
    ]) {
      const once = preparedOnce(() => ({ ...built }))
      const queries = { dialect, session } as unknown as Queries
      expect(once(queries)).not.toBe(once(queries))
      expect(Object.getPrototypeOf(once(queries))).toBe(Object.prototype)
    }
  })

  it('may be written out in SQL', async () => {
    const { db } = server.auth.parts
    const insert = writtenOnce<{ id: string }>(
      sql`insert into annul.users (id) values (${sql.placeholder('id')}) returning id`,
    )
    const [kept, undone] = [randomUUID(), randomUUID()]
    expect(await insert(db, { id: kept })).toEqual([{ id: kept }])
    const rolledBack = db.transaction(async tx => {
      expect(await insert(tx, { id: undone })).toEqual([{ id: undone }])
      tx.rollback()
    })
    await expect(rolledBack).rejects.toThrow('Rollback')
    expect(await Promise.all([kept, undone].map(id => isThere(db, id)))).toEqual([true, false])
  })
})
