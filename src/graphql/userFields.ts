import type { UserRow } from '../database/rows.ts'
import { AuthError, notFound, sessionRequired, unauthenticated } from '../errors.ts'
import { isId } from '../input/id.ts'
import { type AuthContext, type GraphQLContext, stateOf } from '../request/context.ts'
import { listSessions } from '../sessions/listSessions.ts'
import type { UserResolvers } from './generated.ts'
import { adminsOnly, check } from './meets.ts'
import { KnownUser, sourcesOf, type UserSource } from './sources.ts'

/**
 * The fields of User. An app's field or a gateway may return any user, so each field except `id` checks by itself that
 * the viewer is the user or an admin.
 */
export const userFields: UserResolvers = {
  email: async (user, _, context) => (await readRow(user, context)).email,
  emailVerified: async (user, _, context) => (await readRow(user, context)).emailVerified,
  roles: async (user, _, context) => {
    await checkAccess(user, context.auth)
    return [...(known(user)?.roles ?? (await readRow(user, context)).roles)]
  },
  scopes: async (user, _, context) => {
    await checkAccess(user, context.auth)
    return [...(known(user)?.scopes ?? (await readRow(user, context)).scopes)]
  },
  status: async (user, _, context) =>
    (await readRow(user, context)).status === 'BLOCKED' ? 'BLOCKED' : 'ACTIVE',
  createdAt: async (user, _, context) => (await readRow(user, context)).createdAt,
  sessions: async (user, _, { auth }) => {
    const { id, sessionId, isOwn } = await checkAccess(user, auth)
    if (isOwn && sessionId === null) throw sessionRequired()
    return sourcesOf(await listSessions(stateOf(auth).parts, id), sessionId)
  },
}

/** A checked access to a user's fields. */
interface Access {
  readonly id: string
  /** The session that sends the request; null where the viewer has none. */
  readonly sessionId: string | null
  /** Whether the viewer is the user. */
  readonly isOwn: boolean
}

/**
 * Lets the user and admins pass.
 *
 * @throws AuthError UNAUTHENTICATED, FORBIDDEN or REAUTHENTICATION_REQUIRED (whether or not there is such a user), for admins NOT_FOUND for no id
 */
async function checkAccess(user: UserSource, auth: AuthContext): Promise<Access> {
  const ownSessionId = known(user)?.ownSessionId
  if (ownSessionId !== undefined) return { id: user.id, sessionId: ownSessionId, isOwn: true }
  const decision = await auth.decide()
  if (decision instanceof AuthError) throw decision
  const { sessionId, userId } = decision
  const id = String(user.id).toLowerCase()
  if (id === userId) return { id, sessionId, isOwn: true }
  check(decision, adminsOnly, auth)
  if (!isId(id)) throw notFound('user')
  return { id, sessionId, isOwn: false }
}

/**
 * The row of a user whom the viewer may see.
 *
 * @throws AuthError as checkAccess; for a user who does not exist USER_DELETED (oneself) or NOT_FOUND (an admin)
 */
async function readRow(user: UserSource, { auth }: GraphQLContext): Promise<UserRow> {
  const { id, isOwn } = await checkAccess(user, auth)
  const row = known(user)?.row ?? (await stateOf(auth).user(id))
  if (row) return row
  throw isOwn ? unauthenticated('USER_DELETED') : notFound('user')
}

function known(user: UserSource): KnownUser | undefined {
  return user instanceof KnownUser ? user : undefined
}
