import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { getTableColumns, getTableName } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import * as inside from '../../src/database/tables.ts'
import * as door from '../../src/tables.ts'
import { createPostgresDatabase, onPostgres, temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { query } from '../support/sql.ts'

const run = promisify(execFile)

const told = (table: PgTable) =>
  Object.entries(getTableColumns(table)).map(([key, column]: [string, PgColumn]) => ({
    ...{ key, name: column.name, type: column.getSQLType(), mode: column.dataType },
    ...{ notNull: column.notNull, primary: column.primary, values: column.enumValues },
  }))

describe('annul/tables', () => {
  it.each([
    ['users', door.users, inside.users],
    ['sessions', door.sessions, inside.sessions],
  ])('describes columns of %s as they are, and no secret', (name, published, own) => {
    expect([getTableName(published), getTableConfig(published).schema]).toEqual([name, 'annul'])
    const columns = told(own)
    expect(told(published)).toEqual(
      told(published).map(({ key }) => columns.find(column => column.key === key)),
    )
    const keys = told(published).map(({ key }) => key)
    for (const secret of ['passwordHash', 'emailKey', 'attempts', 'generation'])
      expect(keys).not.toContain(secret)
  })

  it('describes these two, and nothing else', () => {
    expect(Object.keys(door).sort()).toEqual(['sessions', 'users'])
  })
})

/** An app's folder: its tables, and drizzle-kit's settings. */
async function makeApp(settings: object): Promise<string> {
  const folder = await temporaryDirectory()
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  await symlink(root, join(modules, 'annul'))
  for (const name of ['drizzle-orm', 'drizzle-kit', 'postgres'])
    await symlink(join(root, 'node_modules', name), join(modules, name))
  const schema = `
    import { users } from 'annul/tables'
    import { pgTable, serial, uuid } from 'drizzle-orm/pg-core'
    export const notes = pgTable('notes', {
      id: serial('id').primaryKey(),
      owner: uuid('owner').notNull().references(() => users.id),
    })`
  const config = { dialect: 'postgresql', schema: './schema.ts', out: './drizzle', ...settings }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'schema.ts'), schema)
  await writeFile(join(folder, 'drizzle.config.ts'), `export default ${JSON.stringify(config)}`)
  return folder
}
const kit = (cwd: string, ...args: string[]) =>
  run(process.execPath, [join(root, 'node_modules/drizzle-kit/bin.cjs'), ...args], { cwd })

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('drizzle-kit of an app', () => {
  it('makes the app’s tables and their foreign keys, and leaves Annul’s alone', async () => {
    const url = await createPostgresDatabase()
    const tables = `select table_schema, table_name from information_schema.tables
      where table_schema in ('annul', 'public') order by 1, 2`
    const before = await query(url, tables)
    const folder = await makeApp({ schemaFilter: ['public'], dbCredentials: { url } })

    await kit(folder, 'generate')
    const [file = ''] = (await readdir(join(folder, 'drizzle'))).filter(name => name.endsWith('.sql'))
    const sql = await readFile(join(folder, 'drizzle', file), 'utf8')
    expect(sql).toContain('REFERENCES "annul"."users"("id")')
    expect(sql).not.toMatch(/create table "annul"|create schema/i)

    await kit(folder, 'push', '--force')
    const notes = { table_schema: 'public', table_name: 'notes' }
    expect(await query(url, tables)).toEqual([...before, notes])
    // A second time, when there is something to compare with.
    await kit(folder, 'push', '--force')
    expect(await query(url, tables)).toEqual([...before, notes])
  })
})
