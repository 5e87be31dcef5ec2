import type { SQL } from 'drizzle-orm'
import type { PgDialect, PgSession } from 'drizzle-orm/pg-core'
import { type Queries, rowsOf } from './open.ts'

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
    const { dialect, session } = innerOf(queries)
    const { client } = session
    const known = built.get(dialect)
    if (known) return Object.create(known, { client: { value: client } })
    const prepared: Prepared & { client?: object } = build(queries)
    // A version of drizzle that keeps the client elsewhere would send by the wrong one: then each statement is built anew.
    if (client !== undefined && prepared.client === client) built.set(dialect, prepared)
    return prepared
  }
}

/** The same for a statement that is written out in SQL, whose rows the caller states. */
export function writtenOnce<Row>(
  statement: SQL,
): (queries: Queries, values: Readonly<Record<string, unknown>>) => Promise<Row[]> {
  const prepared = preparedOnce(queries => {
    const { dialect, session } = innerOf(queries)
    return session.prepareQuery(dialect.sqlToQuery(statement), undefined, undefined, false)
  })
  return async (queries, values) => rowsOf(await prepared(queries).execute(values))
}

/** What drizzle's types do not show. */
function innerOf(queries: Queries) {
  return queries as unknown as { dialect: PgDialect; session: PgSession & { client: object } }
}
