import { and, eq } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { Queries } from '../database/open.ts'
import { factors } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { endFactorSessions } from '../sessions/endFactorSessions.ts'
import { stopFactorReset } from '../sessions/stopFactorReset.ts'
import type { SessionViewer } from '../viewer.ts'
import { checkFactorProof } from './checkFactorProof.ts'
import { newCodes, storeCodes } from './newCodes.ts'

/**
 * Makes ten new recovery codes. The former ones are dead, and other sessions that were opened with them end.
 *
 * @returns the codes, which are shown once
 * @throws AuthError BAD_USER_INPUT / FACTOR_MISSING for an account without a factor that the codes could stand in for;
 *   REAUTHENTICATION_REQUIRED with `mfa`, TOO_MANY_REQUESTS
 */
export async function makeRecoveryCodes(parts: Parts, viewer: SessionViewer): Promise<string[]> {
  const { userId } = viewer
  // Looked at twice: ten hashes take longer than a transaction should, and are made for nobody who is refused.
  await checkHasFactors(parts.db, viewer)
  await parts.limits.charge(viewer, 'factor-changes', { userId })
  const codes = await newCodes(parts)
  return revokingAs(parts, viewer, { kind: 'user', subject: userId }, async (tx, revoke) => {
    const user = await lockUser(tx, userId)
    await checkHasFactors(tx, viewer)
    await stopFactorReset(tx, userId, viewer)
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
    await queueSecurityMail(tx, 'factors-changed', user, viewer, { change: 'NEW_CODES' })
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
