import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Queries } from '../database/open.ts'

/**
 * An open transaction of an app's own, on the database that Annul uses: of Drizzle (`db.transaction(async tx => …)`), or
 * of the `postgres` client (`sql.begin(async tx => …)`).
 */
export type AppTransaction = DrizzleTransaction | PostgresTransaction

interface DrizzleTransaction {
  execute(query: never): PromiseLike<unknown>
  rollback(): never
}

interface PostgresTransaction {
  unsafe(query: string, parameters?: never[]): PromiseLike<unknown>
  readonly savepoint: unknown
}

const dialect = new PgDialect()

/**
 * @internal
 * @throws TypeError for anything but an open transaction: without one, the fence's locks would be released at once
 */
export function queriesOf(tx: AppTransaction): Pick<Queries, 'execute'> {
  if (has(tx, 'execute') && has(tx, 'rollback')) return tx as unknown as Pick<Queries, 'execute'>
  if (has(tx, 'unsafe') && has(tx, 'savepoint')) {
    const { unsafe } = tx as PostgresTransaction
    const execute = (statement: SQL) => {
      const { sql, params } = dialect.sqlToQuery(statement)
      return unsafe(sql, params as never[])
    }
    return { execute } as Pick<Queries, 'execute'>
  }
  throw new TypeError('fence: expected an open transaction of Drizzle or of the "postgres" client.')
}

function has(tx: unknown, method: string): boolean {
  return (
    (typeof tx === 'object' || typeof tx === 'function') &&
    tx !== null &&
    typeof Reflect.get(tx, method) === 'function'
  )
}
