import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { openDatabase } from '../../src/database/open.ts'
import { onPostgres, temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { createEmptyDatabase, query } from '../support/sql.ts'

const describePostgres = onPostgres ? describe : describe.skip

/** The tables as they were before the given migration. */
async function migrateBefore(url: string, name: string): Promise<void> {
  const folder = join(await temporaryDirectory(), 'drizzle')
  await cp(join(root, 'drizzle'), folder, { recursive: true })
  const file = join(folder, 'meta/_journal.json')
  const journal = JSON.parse(await readFile(file, 'utf8'))
  const names: string[] = journal.entries.map(({ tag }: { tag: string }) => tag)
  journal.entries.splice(names.indexOf(name))
  await writeFile(file, JSON.stringify(journal))
  const client = postgres(url, { max: 1, onnotice: () => {} })
  await migrate(drizzle(client), {
    migrationsFolder: folder,
    migrationsSchema: 'annul',
    migrationsTable: 'migrations',
  })
  await client.end()
}

describePostgres('the epoch of a user’s creation', () => {
  it('is the first for users of a database that is brought up to date, and the present one for later users', async () => {
    const url = await createEmptyDatabase()
    await migrateBefore(url, '0004_created_epoch')
    const insert = 'insert into annul.users (id) values (gen_random_uuid())'
    await query(url, insert)
    await query(url, 'update annul.epochs set epoch = 5')

    const database = await openDatabase({ databaseUrl: url, dataDir: '' })
    await database.close()
    await query(url, insert)
    await query(url, 'update annul.epochs set epoch = 6')
    // As an import does that copies.
    await query(
      url,
      'create temporary table staged as select gen_random_uuid() as id; insert into annul.users (id) select id from staged',
    )
    expect(await query(url, 'select created_epoch::int from annul.users order by 1')).toEqual([
      { created_epoch: 1 },
      { created_epoch: 5 },
      { created_epoch: 6 },
    ])
  })
})
