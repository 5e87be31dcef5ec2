import type { PgQueryResultHKT, PgTransaction } from 'drizzle-orm/pg-core'
import type { HookTransaction } from './app/hooks.ts'
import { drizzleIn } from './database/hookTransaction.ts'

/**
 * Drizzle on the transaction of a hook, for an app's own tables, on PostgreSQL and on the embedded database. It is dead
 * when the hook is over, and begins no transaction of its own. The app's drizzle-orm should be the copy that Annul uses:
 * `npm ls drizzle-orm` shows one.
 *
 * @throws TypeError for anything but what a hook was given
 * @example
 * const registered = async (tx: HookTransaction, user: AppUser) => {
 *   await drizzleOf(tx).insert(profiles).values({ userId: user.id })
 * }
 */
export function drizzleOf(tx: HookTransaction): PgTransaction<PgQueryResultHKT> {
  return drizzleIn(tx)
}
