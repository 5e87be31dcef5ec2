import { randomUUID } from 'node:crypto'
import { eq } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { violates } from '../database/outage.ts'
import { runHook } from '../database/runHook.ts'
import { users } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import { badUserInput } from '../errors.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import { checkNewPassword } from '../passwords/policy.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import { openSession } from '../sessions/openSession.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { requestRegistration } from './requestRegistration.ts'

/**
 * Makes an account and opens its first session. Where an e-mail must be verified first, only sends a link to it
 * (requestRegistration), and answers null.
 *
 * @throws AuthError BAD_USER_INPUT with EMAIL_TAKEN or what is wrong with e-mail or password, TOO_MANY_REQUESTS
 */
export async function register(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { email: string; password: string; cookie?: boolean },
): Promise<Tokens | null> {
  await parts.limits.charge(visitor, 'register', {})
  if (parts.config.requireVerifiedEmail) return requestRegistration(parts, visitor, input)
  // As in login.
  await parts.keys.awaitCurrent()
  const tokens = await createUser(parts, { ...input, roles: [], scopes: [] }, async (tx, userId) => {
    const created = await readCredentials(tx, { id: userId })
    if (created === undefined) throw new Error('An inserted user is not there.')
    const tokens = await openSession(parts, tx, visitor, created, {
      cookie: input.cookie ?? false,
      event: { kind: 'register', actorId: userId, userId, ...originOf(visitor) },
    })
    await runHook(parts.app, 'registered', tx, created.user)
    return tokens
  })
  visitor.device.remember(emailKey(input.email))
  return tokens
}

/**
 * Inserts a user, and calls `andThen` in the same transaction. Shared by register and `annul create-user`.
 *
 * @throws AuthError BAD_USER_INPUT, TOO_MANY_REQUESTS
 */
export async function createUser<T>(
  parts: Pick<Parts, 'app' | 'db' | 'config' | 'passwords'>,
  input: { email: string; password: string; roles: readonly string[]; scopes: readonly string[] },
  andThen: (tx: Queries, userId: string) => Promise<T>,
): Promise<T> {
  const email = checkEmail(input.email, 'input.email')
  await checkNewPassword(parts, input.password, email, 'input.password')
  const taken = badUserInput('input.email', 'EMAIL_TAKEN', 'There is an account with this e-mail.')
  const key = emailKey(email)
  // Checked before the hash, which is expensive. Between two registrations at once the unique index decides.
  const [present] = await parts.db.select({ id: users.id }).from(users).where(eq(users.emailKey, key))
  if (present) throw taken

  const passwordHash = await parts.passwords.hash(input.password)
  const id = randomUUID()
  const roles = [...input.roles]
  const scopes = [...input.scopes]
  return transact(parts, async tx => {
    // Here and not around the whole: an index of the app, whose hook comes later, may have the same name.
    await tx
      .insert(users)
      .values({ id, email, emailKey: key, passwordHash, roles, scopes })
      .catch(error => {
        throw violates(error, 'users_email_key') ? taken : error
      })
    return andThen(tx, id)
  })
}
