import { and, eq } from 'drizzle-orm'
import { appendAudit, appendAuditAlone } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { violates } from '../database/outage.ts'
import { users } from '../database/tables.ts'
import { transact, transactInOne } from '../database/transact.ts'
import { AuthError, invalidCredentials } from '../errors.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import { checkPasswordLength } from '../passwords/policy.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { endDueFactors } from './endFactors.ts'
import { askForFactor } from './factorChallenge.ts'
import { finishLogin } from './finishLogin.ts'
import type { Tokens } from './issueTokens.ts'
import { readCredentials } from './readCredentials.ts'

/**
 * Opens a session for an e-mail and its password. An account with a second factor gets a challenge instead, and the
 * session when it was answered (accounts/completeLogin.ts). Unknown user, wrong password, blocked user and an account that takes
 * no more passwords (limits/) cost the same work, one hash and one audit event, and give the same answer.
 *
 * @throws AuthError INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED, BAD_USER_INPUT, TOO_MANY_REQUESTS
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
    const found = await readCredentials(parts.db, { emailKey: account })
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

  const checked = found.isResetDue ? await endDueFactors(parts, visitor, found) : found
  const storeHash = await renewHash(parts, checked.user, input.password)
  // After a signing key was revoked, the next one is being read. Not in the transaction, whose connection it may need.
  await parts.keys.awaitCurrent()
  // The password was right, whatever comes of the session: given back meanwhile.
  const givenBack = attempt.succeeded()
  const open = (tx: Queries) => finishLogin(parts, tx, visitor, checked, { cookie: input.cookie ?? false })
  // An account is told nothing of a device that it knows. So the session with its event is all that is stored.
  const isOneStatement =
    storeHash === undefined && parts.app.hooks.signedIn === undefined && visitor.device.knows(account)
  const signIn = () =>
    isOneStatement
      ? transactInOne(parts, open)
      : transact(parts, async tx => {
          await storeHash?.(tx)
          return open(tx)
        })
  const ask = () =>
    transact(parts, async tx => {
      await storeHash?.(tx)
      await appendAudit(tx, { kind: 'second-factor-asked', userId: checked.user.id, ...origin })
      return askForFactor(tx, checked)
    })
  const answer = await (checked.hasFactors ? ask() : signIn())
    .catch(error => {
      // The first factor was confirmed while the password was checked.
      if (violates(error, 'sessions_second_factor')) return ask()
      throw error
    })
    .finally(() => givenBack)
  if (answer instanceof AuthError) {
    parts.metrics.loggedIn('factor-asked')
    throw answer
  }
  visitor.device.remember(account)
  parts.metrics.loggedIn('accepted')
  return answer
}

/**
 * A hash of older parameters or of another system is made anew while the password is at hand.
 *
 * @returns stores the new hash in the transaction of the login's event; undefined where there is none
 */
async function renewHash(
  { passwords }: Pick<Parts, 'passwords'>,
  user: { id: string; passwordHash: string | null },
  password: string,
): Promise<((tx: Queries) => Promise<unknown>) | undefined> {
  const checkedHash = user.passwordHash
  if (checkedHash === null || !passwords.isOutdated(checkedHash)) return undefined
  const passwordHash = await passwords.hash(password)
  // Only the hash that was checked is replaced: a password change in between stays.
  return tx =>
    tx
      .update(users)
      .set({ passwordHash })
      .where(and(eq(users.id, user.id), eq(users.passwordHash, checkedHash)))
}
