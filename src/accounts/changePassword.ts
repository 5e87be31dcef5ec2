import { and, eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { sessions, users } from '../database/tables.ts'
import { invalidCredentials } from '../errors.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { checkNewPassword, checkPasswordLength } from '../passwords/policy.ts'
import { fenced } from '../revocation/fence.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { issueTokens, type Tokens } from '../sessions/issueTokens.ts'
import { lockViewer } from '../sessions/sessionState.ts'
import type { SessionViewer } from '../viewer.ts'
import { endTokensOf } from './oneTime.ts'

/**
 * Changes the viewer's password. This device stays signed in, and all other sessions end.
 *
 * @returns this device's tokens: a new access token, and the refresh token that it has (a lost answer does no harm)
 * @throws AuthError INVALID_CREDENTIALS, BAD_USER_INPUT for the new password, TOO_MANY_REQUESTS, UNAUTHENTICATED
 */
export async function changePassword(
  parts: Parts,
  viewer: SessionViewer,
  input: { currentPassword: string; newPassword: string },
): Promise<Tokens> {
  const { currentPassword, newPassword } = input
  checkPasswordLength(currentPassword, 'input.currentPassword')
  const [user] = await parts.db
    .select({ email: users.email, emailKey: users.emailKey, passwordHash: users.passwordHash })
    .from(users)
    .where(eq(users.id, viewer.userId))
  await checkNewPassword(parts, newPassword, user?.email ?? '', 'input.newPassword')
  const attempt = await parts.limits.password(viewer, user?.emailKey ?? '', viewer.sessionId)
  const right = await attempt.run(() => parts.passwords.verify(user?.passwordHash, currentPassword))

  if (!right || attempt.isLocked) {
    await fenced(parts, viewer, tx =>
      appendAudit(tx, { kind: 'change-password-failed', ...byViewer(viewer) }),
    )
    throw invalidCredentials()
  }
  await attempt.succeeded()
  const checkedHash = user?.passwordHash ?? ''
  const passwordHash = await parts.passwords.hash(newPassword)

  return revokingAs(parts, viewer, { kind: 'user', subject: viewer.userId }, async (tx, revoke) => {
    const locked = await lockViewer(tx, viewer)
    // Only the hash that was checked is replaced: of two changes at once, the second one's old password is now wrong.
    const changed = await tx
      .update(users)
      .set({ passwordHash })
      .where(and(eq(users.id, viewer.userId), eq(users.passwordHash, checkedHash)))
      .returning({ id: users.id })
    if (changed.length === 0) throw invalidCredentials()
    await endTokensOf(tx, viewer.userId)
    const versions = await revoke.user(viewer.userId, 'PASSWORD_CHANGED', { sessions: true })
    const { sessionVersion } = versions
    await tx.update(sessions).set({ sessionVersion }).where(eq(sessions.id, viewer.sessionId))
    await appendAudit(tx, { kind: 'change-password', ...byViewer(viewer) })
    await queueSecurityMail(tx, 'password-changed', locked.user, viewer)
    const user = { ...locked.user, ...versions }
    return issueTokens(parts, viewer, { ...locked, user, session: { ...locked.session, sessionVersion } })
  })
}
