import { transact } from '../database/transact.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import { checkNewPassword } from '../passwords/policy.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { answerInSteps } from './answerInSteps.ts'
import { offerAddress } from './offerAddress.ts'

/**
 * The registration where an e-mail must be verified first (ANNUL_REQUIRE_VERIFIED_EMAIL). It waits beside its token, and
 * no account is made before the link is used: so nobody can occupy another person's address. A free and a taken address
 * get the same statements, one hash and one mail, so that only the mail tells which it was.
 *
 * @throws AuthError BAD_USER_INPUT for the e-mail's form and the password, TOO_MANY_REQUESTS
 */
export async function requestRegistration(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { email: string; password: string },
): Promise<null> {
  const email = checkEmail(input.email, 'input.email')
  await checkNewPassword(parts, input.password, email, 'input.password')
  const key = emailKey(email)
  await parts.limits.charge(visitor, 'mail', { recipient: key })
  const passwordHash = await parts.passwords.hash(input.password)
  const device = visitor.device.id
  const token = { purpose: 'register', userId: null, email, emailKey: key, passwordHash, device } as const
  await answerInSteps(() =>
    transact(parts, tx => offerAddress(tx, token, 'confirm-registration', originOf(visitor))),
  )
  return null
}
