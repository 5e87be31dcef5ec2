import { and, ne } from 'drizzle-orm'
import { hasId } from '../database/hasId.ts'
import { type UserRow, userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import type { Parts } from '../parts.ts'

/**
 * The users of these ids, in any order: without those that do not exist, and without the tombstones of deleted users.
 *
 * @param ids UUIDs
 */
export function findUsers(parts: Pick<Parts, 'db'>, ids: readonly string[]): Promise<UserRow[]> {
  return parts.db
    .select(userColumns)
    .from(users)
    .where(and(hasId(users.id, ids), ne(users.status, 'DELETED')))
    .execute()
}
