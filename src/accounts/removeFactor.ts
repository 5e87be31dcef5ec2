import { and, eq, inArray, isNotNull } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { Queries } from '../database/open.ts'
import { factors, users } from '../database/tables.ts'
import { badUserInput, type FactorMethod } from '../errors.ts'
import { checkId } from '../input/id.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { endFactorSessions } from '../sessions/endFactorSessions.ts'
import type { SessionViewer } from '../viewer.ts'
import { checkFactorProof } from './confirmFactor.ts'

/**
 * Removes one of the viewer's factors. The recovery codes go with the last passkey or authenticator app: they stand in
 * for another factor. Other sessions that were opened by what is removed end, and this one goes on.
 *
 * @returns false: the viewer has no such factor
 * @throws AuthError BAD_USER_INPUT / LAST_WAY_IN, or ID_INVALID; REAUTHENTICATION_REQUIRED with `mfa`
 */
export async function removeFactor(
  parts: Parts,
  viewer: SessionViewer,
  input: { id: string },
): Promise<boolean> {
  const id = checkId(input.id, 'id')
  const { userId } = viewer
  // Looked at twice: a request that removes nothing must not use up one of the owner's warnings.
  const isTold = (await findRemoval(parts.db, viewer, id)) !== undefined && (await warns(parts, userId))
  return revokingAs(parts, viewer, { kind: 'user', subject: userId }, async (tx, revoke) => {
    const user = await lockUser(tx, userId)
    const removal = await findRemoval(tx, viewer, id)
    if (removal === undefined) return false
    const { kind, removed } = removal
    await tx.delete(factors).where(inArray(factors.id, removed))
    await endFactorSessions(tx, revoke, viewer, removed)
    await appendAudit(tx, { kind: 'remove-factor', ...byViewer(viewer), detail: kind })
    if (isTold)
      await queueSecurityMail(tx, 'factors-changed', user, viewer, { change: 'REMOVED', factor: kind })
    return true
  })
}

async function warns({ db, limits }: Parts, userId: string): Promise<boolean> {
  const [owner] = await db.select({ emailKey: users.emailKey }).from(users).where(eq(users.id, userId))
  return limits.warns('factors-changed', owner?.emailKey ?? '')
}

/** A factor that may be removed, and the ids of all that goes with it. */
interface Removal {
  readonly kind: FactorMethod
  readonly removed: string[]
}

/**
 * @returns undefined: the viewer has no such factor
 * @throws AuthError BAD_USER_INPUT / LAST_WAY_IN, REAUTHENTICATION_REQUIRED with `mfa`
 */
async function findRemoval(
  queries: Queries,
  viewer: SessionViewer,
  id: string,
): Promise<Removal | undefined> {
  await checkFactorProof(queries, viewer)
  const own = await factorsOf(queries, viewer.userId)
  const factor = own.find(each => each.id === id)
  if (factor === undefined) return undefined
  const { kind } = factor
  const left = own.filter(each => each !== factor)
  if (kind === 'PASSKEY' && !hasPasskey(left)) await refuseLastWayIn(queries, viewer.userId)
  const isLast = left.every(each => each.kind === 'RECOVERY_CODE')
  return { kind, removed: (isLast ? own : [factor]).map(each => each.id) }
}

interface OwnFactor {
  readonly id: string
  readonly kind: FactorMethod
}

function factorsOf(queries: Queries, userId: string): Promise<OwnFactor[]> {
  return queries
    .select({ id: factors.id, kind: factors.kind })
    .from(factors)
    .where(and(eq(factors.userId, userId), isNotNull(factors.confirmedAt)))
}

function hasPasskey(all: readonly OwnFactor[]): boolean {
  return all.some(({ kind }) => kind === 'PASSKEY')
}

/** @throws AuthError BAD_USER_INPUT / LAST_WAY_IN for an account without a password */
async function refuseLastWayIn(queries: Queries, userId: string): Promise<void> {
  const [user] = await queries
    .select({ passwordHash: users.passwordHash })
    .from(users)
    .where(eq(users.id, userId))
  if (user?.passwordHash === null)
    throw badUserInput(
      'id',
      'LAST_WAY_IN',
      'This passkey is the only way to sign in to the account. Please set a password, or add another passkey, first.',
    )
}
