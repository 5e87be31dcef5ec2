import { and, eq, ne } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { type UserRow, userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { notFound } from '../errors.ts'

/** @throws AuthError NOT_FOUND, also for a deleted user */
export async function lockUser(tx: Queries, id: string): Promise<UserRow> {
  const [user] = await tx
    .select(userColumns)
    .from(users)
    .where(and(eq(users.id, id), ne(users.status, 'DELETED')))
    .for('no key update')
  if (user === undefined) throw notFound('user')
  return user
}
