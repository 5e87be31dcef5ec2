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
    const known = built.get(dialect) ?? build(queries)
    built.set(dialect, known)
    return Object.create(known, { client: { value: session.client } })
  }
}
