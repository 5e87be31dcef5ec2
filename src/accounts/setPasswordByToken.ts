import { AuthError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { checkNewPassword, checkPasswordRules } from '../passwords/policy.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { findOneTime, type Presented } from './findOneTime.ts'
import { renewPassword } from './renewPassword.ts'

/**
 * Sets a new password by the link or the code of a mail, and ends all sessions. An account with a second factor gets a
 * challenge instead, and the change when it was answered (accounts/completeLogin.ts).
 *
 * @param andThen runs in the same transaction, and may open a session. Default: no session is opened
 * @returns what `andThen` has returned
 * @throws AuthError BAD_USER_INPUT for the new password, which leaves the token as it is, or with TOKEN_INVALID or
 *   CODE_INVALID (also for a blocked user); SECOND_FACTOR_REQUIRED; TOO_MANY_REQUESTS
 */
export async function setPasswordByToken<T extends Tokens | undefined = undefined>(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { token: string; newPassword: string },
  andThen?: Parameters<typeof renewPassword<T>>[3],
): Promise<T | undefined> {
  const { newPassword } = input
  checkPasswordRules(parts.config, newPassword, '', 'input.newPassword')
  const presented: Presented = { text: input.token, argument: 'input.token', purposes: ['reset-password'] }
  const { token, refused, attempt } = await findOneTime(parts, visitor, presented)
  if (token.userId === null) throw refused
  await checkNewPassword(parts, newPassword, token.email, 'input.newPassword')
  const passwordHash = await parts.passwords.hash(newPassword)
  const done = await renewPassword(parts, visitor, { token, refused, passwordHash }, andThen).catch(
    async error => {
      // The link or the code was right.
      if (error instanceof AuthError && error.code === 'SECOND_FACTOR_REQUIRED') await attempt.succeeded()
      throw error
    },
  )
  await attempt.succeeded()
  return done
}
