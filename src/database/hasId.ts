import { type Column, type SQL, sql } from 'drizzle-orm'
import { isId } from '../input/id.ts'

/**
 * Whether a column is one of these ids. With one parameter, so that the statement is the same for any number of ids.
 *
 * @throws TypeError for what is no UUID: the text of the array is not quoted
 */
export function hasId(column: Column, ids: readonly string[]): SQL {
  if (!ids.every(isId)) throw new TypeError('An id is no UUID.')
  return sql`${column} = any(${`{${ids.join()}}`}::text::uuid[])`
}
