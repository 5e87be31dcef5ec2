import { type SQL, sql } from 'drizzle-orm'
import { type Queries, rows } from '../database/open.ts'
import type { UserRow } from '../database/rows.ts'
import { badUserInput } from '../errors.ts'
import { adminRole } from '../viewer.ts'

/**
 * Lets the verbs that may take an admin away take turns: two admins who demote each other at once would each find the
 * other one left. To be called before the user's row is locked, so that all such verbs lock in one order.
 */
export async function lockAdmins(tx: Queries): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('annul admins', 0))`)
}

/**
 * Refuses to take the last admin away, because nobody could give the role back.
 *
 * @param user locked, under `lockAdmins`
 * @param argument the path of the argument that is refused, for example `id`
 * @throws AuthError BAD_USER_INPUT / LAST_ADMIN
 */
export async function refuseLastAdmin(tx: Queries, user: UserRow, argument: string): Promise<void> {
  if (user.status !== 'ACTIVE' || !user.roles.includes(adminRole)) return
  const others = await rows(tx, activeAdmins(sql`id <> ${user.id}`))
  if (others.length === 0)
    throw badUserInput(
      argument,
      'LAST_ADMIN',
      'This is the last admin who can sign in. Make another one first.',
    )
}

/** Whether somebody can sign in as an admin. */
export async function hasAdmin(queries: Queries): Promise<boolean> {
  return (await rows(queries, activeAdmins(sql`true`))).length > 0
}

/** The role is written out, so that the index of admins is used. */
const activeAdmins = (condition: SQL) => sql`
  select 1 from annul.users where 'admin' = any (roles) and status = 'ACTIVE' and ${condition} limit 1`
