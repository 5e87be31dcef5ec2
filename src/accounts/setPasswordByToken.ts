import { eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { runHook } from '../database/runHook.ts'
import { users } from '../database/tables.ts'
import { originOf } from '../input/origin.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { checkNewPassword, checkPasswordRules } from '../passwords/policy.ts'
import { revoking } from '../revocation/revoking.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { openSession } from '../sessions/openSession.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { findOneTime, type Presented } from './findOneTime.ts'
import { endTokensOf } from './oneTime.ts'
import { lockOwner } from './owner.ts'

/**
 * Sets a new password by the link or the code of a mail, and ends all sessions. The e-mail counts as verified: the mail
 * has arrived.
 *
 * @param andThen runs in the same transaction, and may open a session. Default: no session is opened
 * @returns what `andThen` has returned
 * @throws AuthError BAD_USER_INPUT for the new password, which leaves the token as it is, or with TOKEN_INVALID or
 *   CODE_INVALID (also for a blocked user); TOO_MANY_REQUESTS
 */
export async function setPasswordByToken<T extends Tokens | undefined = undefined>(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { token: string; newPassword: string },
  andThen?: (tx: Queries, renewed: Parameters<typeof openSession>[3]) => Promise<T>,
): Promise<T | undefined> {
  const { newPassword } = input
  checkPasswordRules(parts.config, newPassword, '', 'input.newPassword')
  const presented: Presented = { text: input.token, argument: 'input.token', purposes: ['reset-password'] }
  const { token, refused, attempt } = await findOneTime(parts, visitor, presented)
  const { userId } = token
  if (userId === null) throw refused
  await checkNewPassword(parts, newPassword, token.email, 'input.newPassword')
  const passwordHash = await parts.passwords.hash(newPassword)

  const done = await revoking(parts, visitor, { kind: 'user', subject: userId }, async (tx, revoke) => {
    const user = await lockOwner(tx, token, 'no key update')
    if (user?.status !== 'ACTIVE' || user.emailKey !== token.emailKey) throw refused
    const ended = await endTokensOf(tx, userId)
    if (!ended.some(({ id }) => id === token.id)) throw refused
    await tx.update(users).set({ passwordHash, emailVerified: true }).where(eq(users.id, userId))
    await revoke.user(userId, 'PASSWORD_CHANGED', { sessions: true })
    const renewed = await readCredentials(tx, eq(users.id, userId))
    if (renewed === undefined) throw new Error('A user who was there under lock is gone.')
    const tokens = await andThen?.(tx, renewed)
    await appendAudit(tx, {
      kind: 'reset-password',
      actorId: userId,
      userId,
      sessionId: tokens?.session.id,
      ...originOf(visitor),
    })
    // The mail has arrived at the address: its holder may know the device.
    await queueSecurityMail(tx, 'password-changed', { ...user, emailVerified: true }, visitor)
    if (!user.emailVerified) await runHook(parts.app, 'emailVerified', tx, renewed.user)
    if (tokens !== undefined) await runHook(parts.app, 'signedIn', tx, renewed.user)
    return tokens
  })
  // Whoever reads the account's mail may count as its owner (limits/).
  await Promise.all([attempt.succeeded(), parts.limits.proved(token.emailKey)])
  visitor.device.remember(token.emailKey)
  return done
}
