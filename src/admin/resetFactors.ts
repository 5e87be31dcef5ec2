import { and, eq, isNull, sql } from 'drizzle-orm'
import { checkFreshFactor } from '../accounts/checkFactorProof.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { Queries } from '../database/open.ts'
import { type UserRow, userColumns } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { checkId } from '../input/id.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { endFactors } from '../sessions/endFactors.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import type { Viewer } from '../viewer.ts'
import { lockUser } from './lockUser.ts'

/** How long a reset waits, where the account says so (accounts/delayFactorReset.ts). */
const delayHours = 24

/**
 * Removes all factors of a user who has lost them, and ends every session. The password stays.
 *
 * Where the account asks for a delay, nothing ends yet: the owner is told, and has a day to stop the reset by using a
 * factor (sessions/stopFactorReset.ts). Another call while the reset waits changes nothing. When the time has come, the
 * reset is carried out by the next call, or before the next login or reset of the password (sessions/endFactors.ts).
 *
 * Not for an admin's own account: a thief of an admin's session would get rid of the factors. An admin removes them one by
 * one.
 *
 * @param viewer null: the operator, on the command line, for whom nothing is delayed
 * @throws AuthError NOT_FOUND, BAD_USER_INPUT / OWN_ACCOUNT, REAUTHENTICATION_REQUIRED with `mfa`
 */
export async function resetFactors(
  parts: Pick<Parts, 'app' | 'db' | 'fences' | 'revocation'>,
  viewer: Viewer | null,
  input: { id: string },
): Promise<UserRow> {
  const id = checkId(input.id, 'id')
  if (id === viewer?.userId)
    throw badUserInput('id', 'OWN_ACCOUNT', 'Remove the factors of your own account one by one instead.')
  return revokingAs(parts, viewer, { kind: 'user', subject: id }, async (tx, revoke) => {
    if (viewer !== null) await checkFreshFactor(tx, viewer)
    const user = await lockUser(tx, id)
    const waiting = viewer === null ? undefined : await delayed(tx, viewer, user)
    if (waiting) return waiting
    await endFactors(tx, user, byViewer(viewer))
    const versions = await revoke.user(id, 'FACTOR_REMOVED', { sessions: true })
    return { ...user, ...versions, factorsEndAt: null }
  })
}

/** @returns undefined where the reset does not wait, or not any more */
async function delayed(tx: Queries, viewer: Viewer, user: UserRow): Promise<UserRow | undefined> {
  const found = await readCredentials(tx, { id: user.id })
  if (!user.delayFactorReset || !found?.hasFactors || found.isResetDue) return undefined
  const [begun] = await tx
    .update(users)
    .set({ factorsEndAt: sql`now() + make_interval(hours => ${delayHours})` })
    .where(and(eq(users.id, user.id), isNull(users.factorsEndAt)))
    .returning(userColumns)
  if (begun === undefined) return user
  await appendAudit(tx, { kind: 'begin-factor-reset', ...byViewer(viewer), userId: user.id })
  await queueSecurityMail(tx, 'factor-reset-begun', user, null, {
    takesEffect: begun.factorsEndAt?.toISOString() ?? null,
  })
  return begun
}
