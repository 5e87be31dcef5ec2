import { randomUUID } from 'node:crypto'
import { and, eq } from 'drizzle-orm'
import { appendAudit, appendAuditAlone } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { runHook } from '../database/runHook.ts'
import { users } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import { invalidCredentials } from '../errors.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { originOf } from '../input/origin.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { checkPasswordLength } from '../passwords/policy.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { isNewDevice } from './isNewDevice.ts'
import type { Tokens } from './issueTokens.ts'
import { openSession } from './openSession.ts'
import { readCredentials } from './readCredentials.ts'

/**
 * Opens a session for an e-mail and its password. Unknown user, wrong password, blocked user and an account that takes
 * no more passwords (limits/) cost the same work, one hash and one audit event, and give the same answer.
 *
 * @throws AuthError INVALID_CREDENTIALS, BAD_USER_INPUT, TOO_MANY_REQUESTS
 */
export async function login(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { email: string; password: string; cookie?: boolean },
): Promise<Tokens> {
  checkPasswordLength(input.password, 'input.password')
  const email = checkEmail(input.email, 'input.email')
  const account = emailKey(email)
  const attempt = await parts.limits.password(visitor, account)
  const startedAt = performance.now()
  const [found, right] = await attempt.run(async () => {
    const found = await readCredentials(parts.db, eq(users.emailKey, account))
    return [found, await parts.passwords.verify(found?.user.passwordHash, input.password)]
  })
  const origin = originOf(visitor)

  const { isLocked } = attempt
  if (found === undefined || !right || isLocked || found.user.status !== 'ACTIVE') {
    const refusal = isLocked ? 'too many failures' : right ? 'blocked user' : 'wrong password'
    const detail = found === undefined ? 'unknown user' : refusal
    await appendAuditAlone(parts, { kind: 'login-failed', userId: found?.user.id, detail, ...origin })
    parts.metrics.loggedIn('refused')
    await parts.passwords.evenOut(startedAt)
    throw invalidCredentials()
  }

  const storeHash = await renewHash(parts, found.user, input.password)
  // The password was right, whatever comes of the session: given back meanwhile.
  const givenBack = attempt.succeeded()
  const tokens = await transact(parts, async tx => {
    await storeHash(tx)
    const { user } = found
    const sessionId = randomUUID()
    const opening = openSession(parts, tx, visitor, found, { cookie: input.cookie ?? false, id: sessionId })
    // Sent together, in one round trip. Where the first one fails, its error tells why, and not those of the others.
    const [tokens, isNew] = await Promise.all([
      opening,
      isNewDevice(tx, visitor, user, sessionId),
      appendAudit(tx, { kind: 'login', actorId: user.id, userId: user.id, sessionId, ...origin }),
    ]).catch(async error => {
      await opening
      throw error
    })
    if (isNew) await queueSecurityMail(tx, 'new-device', user, visitor)
    await runHook(parts.app, 'signedIn', tx, user)
    return tokens
  }).finally(() => givenBack)
  visitor.device.remember(account)
  parts.metrics.loggedIn('accepted')
  return tokens
}

/**
 * A hash of older parameters or of another system is made anew while the password is at hand.
 *
 * @returns stores the new hash, if there is one, in the transaction of the login's event
 */
async function renewHash(
  { passwords }: Pick<Parts, 'passwords'>,
  user: { id: string; passwordHash: string | null },
  password: string,
): Promise<(tx: Queries) => Promise<unknown>> {
  const checkedHash = user.passwordHash
  if (checkedHash === null || !passwords.isOutdated(checkedHash)) return async () => {}
  const passwordHash = await passwords.hash(password)
  // Only the hash that was checked is replaced: a password change in between stays.
  return tx =>
    tx
      .update(users)
      .set({ passwordHash })
      .where(and(eq(users.id, user.id), eq(users.passwordHash, checkedHash)))
}
