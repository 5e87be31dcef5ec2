import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import { openPool } from '../../src/database/pool.ts'
import { openFences } from '../../src/revocation/fence.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('a fence that is held for too long', () => {
  const server = useServer()
  const poolOf = (name: string) =>
    openPool(server.env.DATABASE_URL ?? '', {
      name,
      connections: 1,
      statementMs: 5000,
      transactionMs: 20_000,
    })
  let holder: ReturnType<typeof openPool>
  beforeAll(async () => {
    holder = poolOf('holder')
    await server.rows(sql`create table public.late_notes (owner uuid)`)
  })
  afterAll(() => holder.end({ timeout: 1 }))

  it('is ended also when no connection for locks is free, because others wait on all of them', async () => {
    const account = await server.signUp()
    const headers = { authorization: `Bearer ${account.accessToken}` }
    const { auth } = server.auth.context({ headers }, { appendHeader: () => {} })
    const told: string[] = []
    const note = (_: object, message: string) => void told.push(message)
    const locks = poolOf('locks')
    // It refuses every statement from now on.
    await locks.end({ timeout: 1 })
    const fences = openFences(
      { decisions: server.auth.parts.decisions, locks: drizzle(locks), embedded: false },
      { info: note, warn: note, error: note },
      { longestMs: 300 },
    )
    const held = drizzle(holder).transaction(async tx => {
      await auth.fence(tx)
      await fences.drained([{ kind: 'user', subject: account.userId }])
      await tx.execute(sql`insert into public.late_notes values (${account.userId})`)
    })
    await expect(held).rejects.toThrow()
    expect(told).toEqual(['A transaction that held a fence for 30 s was ended.'])
    expect(await server.rows(sql`select 1 from public.late_notes`)).toEqual([])
  })
})
