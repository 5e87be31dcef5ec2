import { and, eq } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { Queries } from '../database/open.ts'
import { factors, users } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { endFactorSessions } from '../sessions/endFactorSessions.ts'
import type { SessionViewer } from '../viewer.ts'
import { checkFactorProof, newCodes, storeCodes } from './confirmFactor.ts'

/**
 * Makes ten new recovery codes. The former ones are dead, and other sessions that were opened with them end.
 *
 * @returns the codes, which are shown once
 * @throws AuthError BAD_USER_INPUT / FACTOR_MISSING for an account without a factor that the codes could stand in for;
 *   REAUTHENTICATION_REQUIRED with `mfa`, TOO_MANY_REQUESTS when the queue of hashes is full
 */
export async function makeRecoveryCodes(parts: Parts, viewer: SessionViewer): Promise<string[]> {
  const { userId } = viewer
  // Looked at twice: ten hashes take longer than a transaction should, and are made for nobody who is refused.
  await checkHasFactors(parts.db, viewer)
  const codes = await newCodes(parts)
  const [owner] = await parts.db.select({ emailKey: users.emailKey }).from(users).where(eq(users.id, userId))
  const isTold = await parts.limits.warns('factors-changed', owner?.emailKey ?? '')
  return revokingAs(parts, viewer, { kind: 'user', subject: userId }, async (tx, revoke) => {
    const user = await lockUser(tx, userId)
    await checkHasFactors(tx, viewer)
    const former = await tx
      .select({ id: factors.id })
      .from(factors)
      .where(and(eq(factors.userId, userId), eq(factors.kind, 'RECOVERY_CODE')))
    await storeCodes(tx, userId, codes)
    if (former.length > 0)
      await endFactorSessions(
        tx,
        revoke,
        viewer,
        former.map(({ id }) => id),
      )
    await appendAudit(tx, { kind: 'make-recovery-codes', ...byViewer(viewer) })
    if (isTold) await queueSecurityMail(tx, 'factors-changed', user, viewer, { change: 'NEW_CODES' })
    return [...codes.shown]
  })
}

/** @throws AuthError BAD_USER_INPUT / FACTOR_MISSING, REAUTHENTICATION_REQUIRED with `mfa` */
async function checkHasFactors(queries: Queries, viewer: SessionViewer): Promise<void> {
  if (await checkFactorProof(queries, viewer)) return
  throw badUserInput(
    'makeRecoveryCodes',
    'FACTOR_MISSING',
    'Please add a passkey or an authenticator app first: recovery codes stand in for another factor.',
  )
}
