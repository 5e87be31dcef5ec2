import type { Parts } from '../parts.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { setPasswordByToken } from './setPasswordByToken.ts'

/**
 * Sets a new password by the link or the code of a mail, ends all sessions, and opens one here.
 *
 * @throws AuthError what setPasswordByToken throws
 */
export async function resetPassword(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { token: string; newPassword: string; cookie?: boolean },
): Promise<Tokens> {
  const tokens = await setPasswordByToken(parts, visitor, input, { cookie: input.cookie ?? false })
  if (tokens === undefined) throw new Error('A session that was opened is gone.')
  return tokens
}
