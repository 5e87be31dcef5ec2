import { and, eq, ne } from 'drizzle-orm'
import { type UserRow, userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import type { Parts } from '../parts.ts'

/** One user by id; null where there is none, or only a deleted user's tombstone. */
export async function findUser(parts: Pick<Parts, 'db'>, id: string): Promise<UserRow | null> {
  const [user] = await parts.db
    .select(userColumns)
    .from(users)
    .where(and(eq(users.id, id), ne(users.status, 'DELETED')))
  return user ?? null
}
