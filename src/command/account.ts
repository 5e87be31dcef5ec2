import { and, eq, ne } from 'drizzle-orm'
import type { Database } from '../database/open.ts'
import { users } from '../database/tables.ts'
import { notFound } from '../errors.ts'
import { emailKey } from '../input/email.ts'
import { CommandError } from './explain.ts'

/** Which account a command is about: exactly one of the two. */
export interface Account {
  readonly email?: string
  readonly id?: string
}

/** @throws CommandError unless exactly one is given */
export function readAccount({ email, id }: Account): Account {
  if ((email === undefined) === (id === undefined))
    throw new CommandError('Say which account: by --email or by --id, one of the two.')
  return email === undefined ? { id: id ?? '' } : { email }
}

/** @throws AuthError NOT_FOUND for an e-mail of no account. An id is not checked here: the verb looks it up */
export async function idOf(db: Database, account: Account): Promise<string> {
  if (account.id !== undefined) return account.id
  const [user] = await db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.emailKey, emailKey(account.email ?? '')), ne(users.status, 'DELETED')))
  if (user === undefined) throw notFound('user')
  return user.id
}
