import { and, eq, ne } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { type UserRow, userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { notFound } from '../errors.ts'

/**
 * Locks a user's row until the commit.
 *
 * @param strength `update` for a verb that changes a key column, such as the e-mail: raising the lock later would
 *   deadlock with a transaction that opens a session, and so holds a key lock on the row
 * @throws AuthError NOT_FOUND, also for a deleted user
 */
export async function lockUser(
  tx: Queries,
  id: string,
  strength: 'no key update' | 'update' = 'no key update',
): Promise<UserRow> {
  const [user] = await tx
    .select(userColumns)
    .from(users)
    .where(and(eq(users.id, id), ne(users.status, 'DELETED')))
    .for(strength)
  if (user === undefined) throw notFound('user')
  return user
}
