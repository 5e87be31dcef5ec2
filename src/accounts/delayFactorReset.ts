import { eq } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { users } from '../database/tables.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import type { SessionViewer } from '../viewer.ts'
import { checkFactorProof } from './checkFactorProof.ts'
import { type FactorReset, factorResetOf } from './factorReset.ts'

/**
 * Says whether an admin's reset of the viewer's factors waits for a day (admin/resetFactors.ts). Whoever turns the delay
 * off gives a proof by a factor, if the account has any: a thief with a password would be on the way to a reset otherwise.
 * A reset that waits already goes on waiting.
 *
 * @throws AuthError REAUTHENTICATION_REQUIRED with `mfa`, UNAUTHENTICATED
 */
export async function delayFactorReset(
  parts: Parts,
  viewer: SessionViewer,
  { delay }: { delay: boolean },
): Promise<FactorReset> {
  return fenced(parts, viewer, async tx => {
    const user = await lockUser(tx, viewer.userId)
    if (user.delayFactorReset === delay) return factorResetOf(user)
    if (!delay) await checkFactorProof(tx, viewer)
    await tx.update(users).set({ delayFactorReset: delay }).where(eq(users.id, user.id))
    await appendAudit(tx, {
      ...{ kind: 'delay-factor-reset', ...byViewer(viewer) },
      detail: delay ? 'on' : 'off',
    })
    return factorResetOf({ ...user, delayFactorReset: delay })
  })
}
