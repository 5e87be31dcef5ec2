import { eq } from 'drizzle-orm'
import { endTokensOf } from '../accounts/oneTime.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import type { UserRow } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { checkId } from '../input/id.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { checkNewPassword, checkPasswordRules } from '../passwords/policy.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { lockUser } from './lockUser.ts'

/**
 * Gives a user another password. All sessions end: they may belong to somebody who knew the old password. For the
 * operator on the command line. No field of the API does this, so that no admin can sign in as another user.
 *
 * @throws AuthError NOT_FOUND, BAD_USER_INPUT for the id and the password, TOO_MANY_REQUESTS
 */
export async function setPassword(
  parts: Pick<Parts, 'app' | 'config' | 'db' | 'fences' | 'passwords' | 'revocation'>,
  input: { id: string; password: string },
): Promise<UserRow> {
  const id = checkId(input.id, 'id')
  await checkNewPassword(parts, input.password, '', 'password')
  const passwordHash = await parts.passwords.hash(input.password)
  return revokingAs(parts, null, { kind: 'user', subject: id }, async (tx, revoke) => {
    const user = await lockUser(tx, id)
    checkPasswordRules(parts.config, input.password, user.email ?? '', 'password')
    await tx.update(users).set({ passwordHash }).where(eq(users.id, id))
    await endTokensOf(tx, id)
    const versions = await revoke.user(id, 'PASSWORD_CHANGED', { sessions: true })
    await appendAudit(tx, { kind: 'set-password', ...byViewer(null), userId: id })
    await queueSecurityMail(tx, 'password-changed', user, null)
    return { ...user, ...versions }
  })
}
