import { randomUUID } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { userColumns } from '../database/rows.ts'
import { runHook } from '../database/runHook.ts'
import { users } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import type { AuthError } from '../errors.ts'
import { originOf } from '../input/origin.ts'
import { queueMail } from '../mail/queueMail.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { findOneTime, type Presented } from './findOneTime.ts'
import { endTokensOf, makeOneTime, type OneTimeToken, spendOneTime } from './oneTime.ts'
import { isTaken, lockOwner, setEmail } from './owner.ts'

/**
 * Uses the link, or the code, that was sent to an address: makes the account that was registered, verifies the account's
 * e-mail, or makes the address the account's e-mail.
 *
 * @returns true
 * @throws AuthError BAD_USER_INPUT / TOKEN_INVALID or CODE_INVALID, also where the address was taken meanwhile
 */
export async function verifyEmail(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { token: string },
): Promise<boolean> {
  const presented: Presented = {
    text: input.token,
    argument: 'token',
    purposes: ['register', 'verify-email', 'change-email'],
  }
  const { token, refused, attempt } = await findOneTime(parts, visitor, presented)
  const isDone = await transact(parts, tx => {
    const act = { parts, tx, visitor, token, refused }
    switch (token.purpose) {
      case 'register':
        return makeAccount(act)
      case 'verify-email':
        return verify(act)
      default:
        return change(act)
    }
  })
  if (!isDone) throw refused
  await attempt.succeeded()
  return true
}

interface Act {
  readonly parts: Parts
  readonly tx: Queries
  readonly visitor: DeviceVisitor
  readonly token: OneTimeToken
  /** What the verb is refused with. */
  readonly refused: AuthError
}

/** The account of a registration that waited for this. */
async function makeAccount({ parts, tx, visitor, token }: Act) {
  const spent = await spendOneTime(tx, token.id)
  if (spent === undefined) return false
  const { email, emailKey, passwordHash } = spent
  const [user] = await tx
    .insert(users)
    .values({ id: randomUUID(), email, emailKey, passwordHash, emailVerified: true })
    .onConflictDoNothing({ target: users.emailKey })
    .returning(userColumns)
  // Two people may have registered one address: the first link that is used has the address. The second is used up.
  if (user === undefined) return false
  const userId = user.id
  await appendAudit(tx, { kind: 'register', actorId: userId, userId, ...originOf(visitor) })
  await runHook(parts.app, 'registered', tx, user)
  return true
}

async function verify({ parts, tx, visitor, token }: Act) {
  const user = await lockOwner(tx, token, 'no key update')
  if (user?.status !== 'ACTIVE' || user.emailKey !== token.emailKey) return false
  if ((await spendOneTime(tx, token.id)) === undefined) return false
  await tx.update(users).set({ emailVerified: true }).where(eq(users.id, user.id))
  await appendAudit(tx, { kind: 'verify-email', actorId: user.id, userId: user.id, ...originOf(visitor) })
  if (!user.emailVerified) await runHook(parts.app, 'emailVerified', tx, { ...user, emailVerified: true })
  return true
}

/** The new e-mail. The former address gets a mail with the way back. */
async function change({ parts, tx, visitor, token, refused }: Act) {
  const user = await lockOwner(tx, token, 'update')
  if (user?.status !== 'ACTIVE') return false
  // The user's tokens are ended in one go, this one among them, in the order in which all verbs lock them.
  const ended = await endTokensOf(tx, user.id)
  if (!ended.some(({ id }) => id === token.id)) return false
  const { email, emailKey } = token
  await setEmail(tx, user.id, { email, emailKey }).catch(error => {
    throw isTaken(error) ? refused : error
  })
  const origin = originOf(visitor)
  if (user.email !== null && user.emailKey !== null) {
    const former = { email: user.email, emailKey: user.emailKey }
    const tokenId = await makeOneTime(tx, { purpose: 'restore-email', userId: user.id, ...former })
    await queueMail(tx, {
      ...{ kind: 'email-changed', recipient: user.email, userId: user.id, tokenId },
      detail: origin,
    })
  }
  await appendAudit(tx, { kind: 'change-email', actorId: user.id, userId: user.id, ...origin })
  await runHook(parts.app, 'emailChanged', tx, { ...user, email, emailVerified: true })
  return true
}
