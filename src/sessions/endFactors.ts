import { eq } from 'drizzle-orm'
import { type AuditEntry, appendAudit } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import type { UserRow } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { invalidCredentials } from '../errors.ts'
import { originOf } from '../input/origin.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { revoking } from '../revocation/revoking.ts'
import type { DeviceVisitor, Visitor } from '../viewer.ts'
import { dropFactors } from './dropFactors.ts'
import { type Checked, readCredentials } from './readCredentials.ts'

/**
 * Carries a reset of the factors out: removes them, and tells the owner. The caller ends all sessions, in the same
 * transaction.
 *
 * @param tx with the user's row locked
 * @param by the actor and the origin, for the event
 */
export async function endFactors(
  tx: Queries,
  user: Pick<UserRow, 'id' | 'email' | 'emailVerified'>,
  by: Omit<AuditEntry, 'kind' | 'userId'>,
): Promise<void> {
  await dropFactors(tx, user.id)
  await tx.update(users).set({ factorsEndAt: null }).where(eq(users.id, user.id))
  await appendAudit(tx, { kind: 'reset-factors', ...by, userId: user.id })
  // Without an origin: of an admin, or of whoever signs in when the delay is over, the owner need not learn the address.
  await queueSecurityMail(tx, 'factors-reset', user, null)
}

/** The actor and the origin of a reset whose time has come, where the owner meets it. */
export function afterDelay(visitor: Visitor) {
  return { actorId: null, ...originOf(visitor), detail: 'the delay was over' }
}

/**
 * Carries out a reset whose time has come, before a login goes on without factors. Sessions that were opened meanwhile
 * end, as with a reset at once.
 *
 * @param found the row whose password was right
 * @returns the row as it is afterwards
 * @throws AuthError INVALID_CREDENTIALS where password or status have changed since
 */
export async function endDueFactors(parts: Parts, visitor: DeviceVisitor, found: Checked): Promise<Checked> {
  const { id, passwordHash } = found.user
  return revoking(parts, visitor, { kind: 'user', subject: id }, async (tx, revoke) => {
    await tx.select({ id: users.id }).from(users).where(eq(users.id, id)).for('no key update')
    const locked = await readCredentials(tx, { id })
    // The password was checked against one hash: another hash is another password.
    if (locked?.user.status !== 'ACTIVE' || locked.user.passwordHash !== passwordHash)
      throw invalidCredentials()
    // Another login was first, or a factor was used.
    if (!locked.isResetDue) return locked
    await endFactors(tx, locked.user, afterDelay(visitor))
    await revoke.user(id, 'FACTOR_REMOVED', { sessions: true })
    const checked = await readCredentials(tx, { id })
    if (checked === undefined) throw new Error('A user who was there under lock is gone.')
    return checked
  })
}
