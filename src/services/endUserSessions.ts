import { and, eq, ne } from 'drizzle-orm'
import { lockUser } from '../admin/lockUser.ts'
import { appendAudit } from '../audit/appendAudit.ts'
import { users } from '../database/tables.ts'
import { notFound } from '../errors.ts'
import { checkEmail, emailKey } from '../input/email.ts'
import { isId } from '../input/id.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import { revoking } from '../revocation/revoking.ts'
import type { Visitor } from '../viewer.ts'
import type { Service } from './findService.ts'
import { refuseEnded } from './refuseEnded.ts'

type UserParts = Pick<Parts, 'app' | 'db' | 'fences' | 'metrics' | 'revocation'>

/** Whom a service means: exactly one of the two. */
export type Subject = { readonly id: string } | { readonly email: string }

/**
 * Ends all sessions of a user for a service with the right `revoke`, as an admin's `revokeUserSessions` does. Returns
 * when no node accepts the user's tokens. The user may sign in again.
 *
 * @throws AuthError NOT_FOUND, also for a deleted user; BAD_USER_INPUT for an e-mail that is none; ServiceEndedError
 */
export async function endUserSessions(
  parts: UserParts,
  visitor: Visitor,
  service: Service,
  subject: Subject,
): Promise<void> {
  const id = await idOf(parts, subject)
  await revoking(parts, visitor, { kind: 'user', subject: id }, async (tx, revoke) => {
    await refuseEnded(tx, service)
    const user = await lockUser(tx, id)
    // The e-mail may have become another user's meanwhile.
    if ('email' in subject && user.emailKey !== emailKey(subject.email)) throw notFound('user')
    await revoke.user(id, 'SESSIONS_REVOKED', { sessions: true })
    await appendAudit(tx, {
      kind: 'revoke-user-sessions',
      userId: id,
      ...originOf(visitor),
      detail: `by the service ${service.name}`,
    })
  })
}

/** @throws AuthError NOT_FOUND, BAD_USER_INPUT */
async function idOf({ db }: UserParts, subject: Subject): Promise<string> {
  if ('id' in subject) {
    if (!isId(subject.id)) throw notFound('user')
    return subject.id.toLowerCase()
  }
  checkEmail(subject.email, 'email')
  const [user] = await db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.emailKey, emailKey(subject.email)), ne(users.status, 'DELETED')))
  if (user === undefined) throw notFound('user')
  return user.id
}
