import { and, asc, eq, gt, like, ne, or } from 'drizzle-orm'
import { type UserRow, userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { emailKey } from '../input/email.ts'
import { isId } from '../input/id.ts'
import { checkText } from '../input/text.ts'
import type { Parts } from '../parts.ts'

const maxFirst = 200

/** A page of users, the oldest account first. Cursors stay valid while accounts come and go. */
export interface UserPage {
  readonly users: readonly UserRow[]
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
}

/**
 * @param input.first 1 to 200
 * @param input.after the cursor of the last user of the page before
 * @param input.search a part of the e-mail, in any case
 * @throws AuthError BAD_USER_INPUT
 */
export async function listUsers(
  parts: Pick<Parts, 'db'>,
  input: { first: number; after?: string | null | undefined; search?: string | null | undefined },
): Promise<UserPage> {
  const { first } = input
  if (first < 1 || first > maxFirst)
    throw badUserInput('first', 'FIRST_OUT_OF_RANGE', `"first" must be from 1 to ${maxFirst}.`)
  const after = input.after == null ? undefined : readCursor(input.after)
  const search = input.search == null ? undefined : emailKey(checkText(input.search, 254, 'search'))

  const found = await parts.db
    .select(userColumns)
    .from(users)
    .where(
      and(
        ne(users.status, 'DELETED'),
        // "%" and "_" are searched for like any other character.
        search ? like(users.emailKey, `%${search.replace(/[\\%_]/g, '\\$&')}%`) : undefined,
        after &&
          or(gt(users.createdAt, after.at), and(eq(users.createdAt, after.at), gt(users.id, after.id))),
      ),
    )
    .orderBy(asc(users.createdAt), asc(users.id))
    .limit(first + 1)
  return {
    users: found.slice(0, first),
    hasNextPage: found.length > first,
    hasPreviousPage: after !== undefined,
  }
}

/** Where a user stands in the list: time and id, in base64url, so that no client relies on its parts. */
export function userCursor(user: Pick<UserRow, 'createdAt' | 'id'>): string {
  return Buffer.from(`${user.createdAt.toISOString()} ${user.id}`).toString('base64url')
}

function readCursor(cursor: string): { at: Date; id: string } {
  const [time = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split(' ')
  const at = new Date(time)
  // A Date of JavaScript may have a year that PostgreSQL does not read.
  if (!isId(id) || Number.isNaN(at.getTime()) || !/^(?!0000)\d{4}-/.test(at.toISOString()))
    throw badUserInput('after', 'CURSOR_INVALID', 'This is not a cursor of this list.')
  return { at, id }
}
