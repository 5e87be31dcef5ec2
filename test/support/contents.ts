import { sql } from 'drizzle-orm'
import type { TestServer } from './server.ts'

/** All that a client could have changed. Rows of `nodes` beat by themselves. */
const tables = ['users', 'sessions', 'epochs', 'signing_keys', 'revocations', 'audit_events'] as const

/** Every row of every table, as text: whatever changes, changes this. */
export async function readContents(server: TestServer): Promise<Record<string, string[]>> {
  const contents: Record<string, string[]> = {}
  for (const table of tables) {
    const found = await server.rows<{ row: string }>(
      sql`select t::text as row from ${sql.identifier('annul')}.${sql.identifier(table)} t order by 1`,
    )
    contents[table] = found.map(({ row }) => row)
  }
  return contents
}
