import type { PgDialect, PgSession } from 'drizzle-orm/pg-core'
import type { Queries } from './open.ts'

/**
 * A statement whose text is built once for each opened database, for the hot paths: there, building the text costs more
 * than the whole work of the database. Its values are placeholders. In a transaction it runs on the transaction's connection.
 */
export function preparedOnce<Prepared extends object>(
  build: (queries: Queries) => Prepared,
): (queries: Queries) => Prepared {
  const built = new WeakMap<PgDialect, Prepared>()
  return queries => {
    // A database and its transactions share drizzle's dialect. Each has a session of its own, and in it the client that
    // drizzle's prepared statements send by.
    const { dialect, session } = queries as unknown as {
      dialect: PgDialect
      session: PgSession & { client: object }
    }
    const { client } = session
    const known = built.get(dialect)
    if (known) return Object.create(known, { client: { value: client } })
    const prepared: Prepared & { client?: object } = build(queries)
    // A version of drizzle that keeps the client elsewhere would send by the wrong one: then each statement is built anew.
    if (client !== undefined && prepared.client === client) built.set(dialect, prepared)
    return prepared
  }
}
