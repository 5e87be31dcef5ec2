import type { Queries } from './open.ts'

/**
 * A statement that is built once per database, for the hot paths: there, building its text costs more than the whole
 * work of the database. Its values are placeholders. For a transaction the statement is built anew.
 */
export function preparedOnce<Prepared>(build: (db: Queries) => Prepared): (db: Queries) => Prepared {
  const built = new WeakMap<Queries, Prepared>()
  return db => {
    const known = built.get(db)
    if (known) return known
    const prepared = build(db)
    built.set(db, prepared)
    return prepared
  }
}
