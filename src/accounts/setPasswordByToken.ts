import { AuthError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { checkNewPassword, checkPasswordRules } from '../passwords/policy.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { Opening } from '../sessions/openSession.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { findOneTime, type Presented } from './findOneTime.ts'
import { renewPassword } from './renewPassword.ts'

/**
 * Sets a new password by the link or the code of a mail, and ends all sessions. An account with a second factor gets a
 * challenge instead, and the change when it was answered (accounts/completeLogin.ts).
 *
 * @param opening how the session begins that is opened with the new password. Default: no session is opened
 * @throws AuthError BAD_USER_INPUT for the new password, which leaves the token as it is, or with TOKEN_INVALID or
 *   CODE_INVALID (also for a blocked user); SECOND_FACTOR_REQUIRED; TOO_MANY_REQUESTS
 */
export async function setPasswordByToken(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { token: string; newPassword: string },
  opening?: Opening,
): Promise<Tokens | undefined> {
  const { newPassword } = input
  checkPasswordRules(parts.config, newPassword, '', 'input.newPassword')
  const presented: Presented = { text: input.token, argument: 'input.token', purposes: ['reset-password'] }
  const { token, refused, attempt } = await findOneTime(parts, visitor, presented)
  if (token.userId === null) throw refused
  await checkNewPassword(parts, newPassword, token.email, 'input.newPassword')
  const passwordHash = await parts.passwords.hash(newPassword)
  const done = await renewPassword(parts, visitor, { token, refused, passwordHash }, opening).catch(
    async error => {
      // The link or the code was right.
      if (error instanceof AuthError && error.code === 'SECOND_FACTOR_REQUIRED') await attempt.succeeded()
      throw error
    },
  )
  await attempt.succeeded()
  return done
}
