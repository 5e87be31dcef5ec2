import { type SQL, sql } from 'drizzle-orm'
import type { TestServer } from './server.ts'

const triggers = {
  audit_events: ['audit_events_append_only', 'audit_events_no_truncate'],
  audit_seals: ['audit_seals_append_only', 'audit_seals_no_truncate'],
}

/**
 * Runs statements on the audit as somebody who owns its tables: with the triggers disabled, which refuse everybody else.
 */
export async function asOwner(server: Pick<TestServer, 'rows'>, ...statements: SQL[]): Promise<void> {
  const all = Object.entries(triggers).flatMap(([table, names]) =>
    names.map(name => ({ table: sql.raw(`annul.${table}`), name: sql.raw(name) })),
  )
  for (const { table, name } of all) await server.rows(sql`alter table ${table} disable trigger ${name}`)
  try {
    for (const statement of statements) await server.rows(statement)
  } finally {
    for (const { table, name } of all) await server.rows(sql`alter table ${table} enable trigger ${name}`)
  }
}

/** Takes all events and seals away, so that a test begins anew. */
export const emptyAudit = (server: Pick<TestServer, 'rows'>) =>
  asOwner(server, sql`delete from annul.audit_events`, sql`delete from annul.audit_seals`)
