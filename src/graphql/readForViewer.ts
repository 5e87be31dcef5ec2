import { AuthError } from '../errors.ts'
import { checkId } from '../input/id.ts'
import { type AuthContext, stateOf } from '../request/context.ts'
import { adminRole, inSession, type Viewer } from '../viewer.ts'
import { adminsOnly, check } from './meets.ts'
import { KnownUser, type SessionSource } from './sources.ts'

/* What a viewer may ask for by its id: `user`, and the references of a gateway. */

/**
 * Oneself, or to an admin anybody.
 *
 * @param argument the name of the argument that held the id
 * @returns null: there is no such user, which admins alone are told
 * @throws AuthError FORBIDDEN, REAUTHENTICATION_REQUIRED (an admin without the second factor of ANNUL_MFA_ROLES); BAD_USER_INPUT / ID_INVALID
 */
export async function readUser(
  auth: AuthContext,
  viewer: Viewer,
  given: string,
  argument: string,
): Promise<KnownUser | null> {
  const id = checkId(given, argument)
  if (id === viewer.userId) return KnownUser.ofClaims(viewer)
  // Refused without a lookup, so that nobody learns which ids exist.
  check(viewer, adminsOnly, auth)
  const row = await stateOf(auth).user(id)
  return row && KnownUser.ofRow(row)
}

/**
 * A live session of one's own, or to an admin anybody's. To others an id that does not exist, or whose session is over,
 * is as FORBIDDEN as a stranger's.
 *
 * @throws AuthError as readUser; REAUTHENTICATION_REQUIRED for a viewer without a session
 */
export async function readSession(
  auth: AuthContext,
  viewer: Viewer,
  given: string,
  argument: string,
): Promise<SessionSource | null> {
  const id = checkId(given, argument)
  const isAdmin = viewer.roles.includes(adminRole)
  if (!isAdmin) inSession(viewer)
  const row = await stateOf(auth).session(id)
  if (row?.userId !== viewer.userId) check(viewer, adminsOnly, auth)
  return row && { row, current: row.id === viewer.sessionId }
}

/** The sender, on a field that no `@auth` guards. @throws AuthError UNAUTHENTICATED, UNAVAILABLE */
export async function viewerOf(auth: AuthContext): Promise<Viewer> {
  const decision = await auth.decide()
  if (decision instanceof AuthError) throw decision
  return decision
}
