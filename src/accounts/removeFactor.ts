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
import { stopFactorReset } from '../sessions/stopFactorReset.ts'
import type { SessionViewer } from '../viewer.ts'
import { checkFactorProof } from './checkFactorProof.ts'

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
  return revokingAs(parts, viewer, { kind: 'user', subject: userId }, async (tx, revoke) => {
    const user = await lockUser(tx, userId)
    await checkFactorProof(tx, viewer)
    const own = await factorsOf(tx, userId)
    const factor = own.find(each => each.id === id)
    if (factor === undefined) return false
    await stopFactorReset(tx, userId, viewer)
    const left = own.filter(each => each !== factor)
    if (factor.kind === 'PASSKEY' && !hasPasskey(left)) await refuseLastWayIn(tx, userId)
    const isLast = left.every(({ kind }) => kind === 'RECOVERY_CODE')
    const removed = (isLast ? own : [factor]).map(each => each.id)
    await tx.delete(factors).where(inArray(factors.id, removed))
    await endFactorSessions(tx, revoke, viewer, removed)
    await appendAudit(tx, { kind: 'remove-factor', ...byViewer(viewer), detail: factor.kind })
    await queueSecurityMail(tx, 'factors-changed', user, viewer, {
      change: 'REMOVED',
      factor: factor.kind,
    })
    return true
  })
}

interface OwnFactor {
  readonly id: string
  readonly kind: FactorMethod
}

function factorsOf(tx: Queries, userId: string): Promise<OwnFactor[]> {
  return tx
    .select({ id: factors.id, kind: factors.kind })
    .from(factors)
    .where(and(eq(factors.userId, userId), isNotNull(factors.confirmedAt)))
}

function hasPasskey(all: readonly OwnFactor[]): boolean {
  return all.some(({ kind }) => kind === 'PASSKEY')
}

/** @throws AuthError BAD_USER_INPUT / LAST_WAY_IN for an account without a password */
async function refuseLastWayIn(tx: Queries, userId: string): Promise<void> {
  const [user] = await tx.select({ passwordHash: users.passwordHash }).from(users).where(eq(users.id, userId))
  if (user?.passwordHash === null)
    throw badUserInput(
      'id',
      'LAST_WAY_IN',
      'This passkey is the only way to sign in to the account. Please set a password, or add another passkey, first.',
    )
}
