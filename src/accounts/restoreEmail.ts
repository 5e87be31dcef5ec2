import { and, eq, gte } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { runHook } from '../database/runHook.ts'
import { oneTimeTokens, users } from '../database/tables.ts'
import { badUserInput } from '../errors.ts'
import { originOf } from '../input/origin.ts'
import { queueMail } from '../mail/queueMail.ts'
import type { Parts } from '../parts.ts'
import { revoking } from '../revocation/revoking.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { findOneTime, type Presented } from './findOneTime.ts'
import { endOneTime, endTokensOf, makeOneTime, spendOneTime } from './oneTime.ts'
import { isTaken, lockOwner, setEmail } from './owner.ts'

/**
 * The way back after changeEmail, for 72 hours: gives the account its former e-mail again, also where the e-mail was
 * changed once more since, ends all sessions and unsets the password. A link to the restored address sets a new one.
 *
 * The ways back to still older addresses live on, and those to younger ones die: of a thief and an owner, the owner was
 * there first.
 *
 * @returns true
 * @throws AuthError BAD_USER_INPUT / TOKEN_INVALID, or EMAIL_TAKEN where another account has the address by now
 */
export async function restoreEmail(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { token: string },
): Promise<boolean> {
  const presented: Presented = { text: input.token, argument: 'token', purposes: ['restore-email'] }
  const { token, refused, attempt } = await findOneTime(parts, visitor, presented)
  const { id, userId, email, emailKey } = token
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
    // A thief who knows the password would sign in and change the e-mail once more, before the owner has reset it.
    await tx.update(users).set({ passwordHash: null }).where(eq(users.id, userId))
    const tokenId = await makeOneTime(tx, { purpose: 'reset-password', userId, email, emailKey })
    await queueMail(tx, { kind: 'reset-password', recipient: email, userId, tokenId })
    // Whoever reads a former address could take the account unseen otherwise. Of two people neither learns where the other
    // one is.
    if (user.email !== null && user.emailKey !== token.emailKey)
      await queueMail(tx, { kind: 'email-restored', recipient: user.email, userId })
    await appendAudit(tx, { kind: 'restore-email', actorId: userId, userId, ...originOf(visitor) })
    await runHook(parts.app, 'emailChanged', tx, { ...user, email, emailVerified: true })
  })
  await attempt.succeeded()
  return true
}
