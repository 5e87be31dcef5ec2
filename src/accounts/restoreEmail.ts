import { and, eq, gte } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { runHook } from '../database/runHook.ts'
import { oneTimeTokens } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { revoking } from '../revocation/revoking.ts'
import type { Visitor } from '../viewer.ts'
import { findOneTime, oneTimeRefused, type Presented } from './findOneTime.ts'
import { endOneTime, endTokensOf, spendOneTime } from './oneTime.ts'
import { originOf } from './origin.ts'
import { isTaken, lockOwner, setEmail } from './owner.ts'

/**
 * The way back after changeEmail, for 72 hours: gives the account its former e-mail again, also where the e-mail was
 * changed once more since, and ends all sessions. The password stays as it is: its owner should reset it next.
 *
 * The ways back to still older addresses live on, and those to younger ones die: of a thief and an owner, the owner was
 * there first.
 *
 * @returns true
 * @throws AuthError BAD_USER_INPUT / TOKEN_INVALID, or EMAIL_TAKEN where another account has the address by now
 */
export async function restoreEmail(
  parts: Parts,
  visitor: Visitor,
  input: { token: string },
): Promise<boolean> {
  const presented: Presented = { text: input.token, argument: 'token', purposes: ['restore-email'] }
  const attempt = await parts.limits.charge(visitor, 'token', {})
  const token = await findOneTime(parts, visitor, presented)
  const refused = oneTimeRefused(parts, presented)
  const { id, userId, email } = token
  if (userId === null) throw refused

  await revoking(parts, visitor, { kind: 'user', subject: userId }, async (tx, revoke) => {
    const user = await lockOwner(tx, token, 'update')
    if (user === undefined) throw refused
    await endTokensOf(tx, userId)
    if ((await spendOneTime(tx, id)) === undefined) throw refused
    await endOneTime(tx, and(eq(oneTimeTokens.userId, userId), gte(oneTimeTokens.createdAt, token.createdAt)))
    await setEmail(tx, userId, token).catch(error => {
      throw isTaken(error)
        ? badUserInput(
            'token',
            'EMAIL_TAKEN',
            'Another account has this e-mail by now. Ask the operator for help.',
          )
        : error
    })
    await revoke.user(userId, 'SESSIONS_REVOKED', { sessions: true })
    await appendAudit(tx, { kind: 'restore-email', actorId: userId, userId, ...originOf(visitor) })
    await runHook(parts.app, 'emailChanged', tx, { ...user, email, emailVerified: true })
  })
  await attempt.succeeded()
  return true
}
