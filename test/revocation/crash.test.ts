import { randomUUID } from 'node:crypto'
import { test as anywhere, expect } from '@jest/globals'
import postgres from 'postgres'
import { openDatabase } from '../../src/database/open.ts'
import { postgresStore } from '../../src/revocation/postgresStore.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres } from '../support/postgres.js'

const test = onPostgres ? anywhere : anywhere.skip

test('the row of a node outlives a crash of the database, or no barrier would wait for the node', async () => {
  // What a commit does not write itself, nothing else does.
  const server = await startPostgres({ flags: ['wal_writer_delay=10s'] })
  try {
    const { close } = await openDatabase({ databaseUrl: server.url, dataDir: '' })
    await close()
    const connection = await postgresStore(server.url).connect(() => {})
    const node = randomUUID()
    await connection.join(node, 1000, [])
    await server.crash()
    connection.close()
    await server.start()
    const sql = postgres(server.url, { max: 1, onnotice: () => {} })
    expect(await sql`select id from annul.nodes`).toEqual([{ id: node }])
    await sql.end()
  } finally {
    await server.stop()
  }
}, 60_000)
