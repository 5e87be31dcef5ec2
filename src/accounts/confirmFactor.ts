import { eq } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { Queries } from '../database/open.ts'
import { factors } from '../database/tables.ts'
import { badUserInput, unavailable } from '../errors.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import { stopFactorReset } from '../sessions/stopFactorReset.ts'
import type { SessionViewer } from '../viewer.ts'
import { checkFactorProof } from './checkFactorProof.ts'
import type { Factor } from './listFactors.ts'
import { newCodes, storeCodes } from './newCodes.ts'

/** More than a person has, and few enough to look at each. */
const mostFactors = 20

export interface FactorConfirmed {
  readonly factor: Factor
  /** Shown once. null: the account had factors. */
  readonly recoveryCodes: string[] | null
}

/**
 * Adds a factor, by the end of every enrolment. The user's other sessions go on: nothing of the viewer's is taken away. With
 * the first factor of an account come recovery codes.
 *
 * @param add stores the factor, in the transaction, and returns it
 * @throws AuthError REAUTHENTICATION_REQUIRED with `mfa`, BAD_USER_INPUT / TOO_MANY_FACTORS, TOO_MANY_REQUESTS; what
 *   `add` throws
 */
export async function confirmFactor(
  parts: Parts,
  viewer: SessionViewer,
  add: (tx: Queries) => Promise<Factor>,
): Promise<FactorConfirmed> {
  // Looked at twice: what is refused must cost neither the budget nor ten hashes, which take longer than a transaction
  // should.
  const hadFactorsBefore = await checkFactorProof(parts.db, viewer)
  await parts.limits.charge(viewer, 'factor-changes', { userId: viewer.userId })
  const codes = hadFactorsBefore ? undefined : await newCodes(parts)
  return fenced(parts, viewer, async tx => {
    const user = await lockUser(tx, viewer.userId)
    const hadFactors = await checkFactorProof(tx, viewer)
    // Another request has removed the last factor meanwhile: the next try makes recovery codes.
    if (!hadFactors && codes === undefined) throw unavailable()
    await stopFactorReset(tx, viewer.userId, viewer)
    const factor = await add(tx)
    const own = await tx.select({ id: factors.id }).from(factors).where(eq(factors.userId, viewer.userId))
    if (own.length > mostFactors)
      throw badUserInput('id', 'TOO_MANY_FACTORS', `An account has at most ${mostFactors} factors.`)
    if (codes && !hadFactors) await storeCodes(tx, viewer.userId, codes)
    await appendAudit(tx, { kind: 'add-factor', ...byViewer(viewer), detail: factor.kind })
    await queueSecurityMail(tx, 'factors-changed', user, viewer, { change: 'ADDED', factor: factor.kind })
    return { factor, recoveryCodes: codes && !hadFactors ? [...codes.shown] : null }
  })
}
