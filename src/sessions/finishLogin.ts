import { randomUUID } from 'node:crypto'
import type { Queries } from '../database/open.ts'
import type { UserRow } from '../database/rows.ts'
import { runHook } from '../database/runHook.ts'
import { originOf } from '../input/origin.ts'
import { factorAccount } from '../limits/limits.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { isNewDevice } from './isNewDevice.ts'
import type { Tokens } from './issueTokens.ts'
import { type Opening, openSession } from './openSession.ts'
import type { Checked } from './readCredentials.ts'

/**
 * The common ending of every sign-in: a session with its first tokens, the event, the mail about a new device, and the
 * app's hook, in one transaction.
 *
 * @param options.detail for the event: how the user has signed in, beside the password
 */
export async function finishLogin(
  parts: Parts,
  tx: Queries,
  visitor: DeviceVisitor,
  checked: Checked,
  options: Opening & { detail?: string | undefined },
): Promise<Tokens> {
  const { user } = checked
  const { detail, ...begin } = options
  const sessionId = randomUUID()
  const opening = openSession(parts, tx, visitor, checked, {
    ...begin,
    id: sessionId,
    event: { kind: 'login', actorId: user.id, userId: user.id, detail, ...originOf(visitor) },
  })
  // Sent together, in one round trip. Where the first one fails, its error tells why, and not that of the other.
  const [tokens, isNew] = await Promise.all([opening, isNewDevice(tx, visitor, user, sessionId)]).catch(
    async error => {
      await opening
      throw error
    },
  )
  if (isNew) await queueSecurityMail(tx, 'new-device', user, visitor)
  await runHook(parts.app, 'signedIn', tx, user)
  return tokens
}

/**
 * After a proof by a factor: failures are counted from none (limits/), and the device has budgets of its own from now on,
 * for the account's password and for the user's factors.
 */
export async function rememberOwner(
  { limits }: Pick<Parts, 'limits'>,
  { device }: DeviceVisitor,
  user: Pick<UserRow, 'id' | 'emailKey'>,
): Promise<void> {
  if (user.emailKey !== null) {
    await limits.proved(user.emailKey)
    device.remember(user.emailKey)
  }
  device.remember(factorAccount(user.id))
}
