import { getTableColumns } from 'drizzle-orm'
import { sessions, users } from './tables.ts'

const { passwordHash, createdEpoch, ...user } = getTableColumns(users)
const { attempts, ...session } = getTableColumns(sessions)

/** All columns of a user but the password hash and the epoch of its creation, for `select` and `returning`. */
export const userColumns = user

/** All columns of a session but the hashes of its attempts, for `select` and `returning`. */
export const sessionColumns = session

/** A user's row without its secret. */
export type UserRow = Omit<typeof users.$inferSelect, 'passwordHash' | 'createdEpoch'>

/** A session's row without the hashes of its attempts. */
export type SessionRow = Omit<typeof sessions.$inferSelect, 'attempts'>
