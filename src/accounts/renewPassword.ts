import { eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { runHook } from '../database/runHook.ts'
import { users } from '../database/tables.ts'
import { AuthError } from '../errors.ts'
import { originOf } from '../input/origin.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import { revoking } from '../revocation/revoking.ts'
import type { Answered } from '../sessions/answerChallenge.ts'
import { afterDelay, endFactors } from '../sessions/endFactors.ts'
import { askForFactor } from '../sessions/factorChallenge.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import { type Opening, openSession } from '../sessions/openSession.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import { useProof } from '../sessions/useProof.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { endTokensOf, type OneTimeToken } from './oneTime.ts'
import { lockOwner } from './owner.ts'

/** A new password by a mail's link. */
export interface Renewal {
  readonly token: OneTimeToken
  /** Of a token that is dead by now. */
  readonly refused: AuthError
  readonly passwordHash: string
  /** The answer of an account with a second factor. */
  readonly answered?: Answered | undefined
}

/**
 * Sets the password, ends all sessions and uses the link up, in one transaction. The e-mail counts as verified: the mail
 * has arrived. Of an account with a second factor nothing of this happens before the factor is answered: whoever reads
 * the mails alone gets no further.
 *
 * @param opening how the session begins that is opened with the new password. Default: no session is opened
 * @throws AuthError SECOND_FACTOR_REQUIRED; `renewal.refused`
 */
export async function renewPassword(
  parts: Parts,
  visitor: DeviceVisitor,
  { token, refused, passwordHash, answered }: Renewal,
  opening?: Opening,
): Promise<Tokens | undefined> {
  const { userId } = token
  if (userId === null) throw refused
  const done = await revoking(parts, visitor, { kind: 'user', subject: userId }, async (tx, revoke) => {
    const user = await lockOwner(tx, token, 'no key update')
    if (user?.status !== 'ACTIVE' || user.emailKey !== token.emailKey) throw refused
    const checked = await readCredentials(tx, { id: userId })
    if (checked === undefined) throw refused
    if (answered !== undefined) {
      await useProof(tx, visitor, userId, answered.proof)
    } else if (checked.isResetDue) {
      await endFactors(tx, user, afterDelay(visitor))
    } else if (checked.hasFactors) {
      await appendAudit(tx, { kind: 'second-factor-asked', userId, ...originOf(visitor) })
      return askForFactor(tx, checked, { tokenId: token.id, passwordHash })
    }
    const ended = await endTokensOf(tx, userId)
    if (!ended.some(({ id }) => id === token.id)) throw refused
    await tx.update(users).set({ passwordHash, emailVerified: true }).where(eq(users.id, userId))
    await revoke.user(userId, 'PASSWORD_CHANGED', { sessions: true })
    const renewed = await readCredentials(tx, { id: userId })
    if (renewed === undefined) throw new Error('A user who was there under lock is gone.')
    const event = { kind: 'reset-password', actorId: userId, userId, ...originOf(visitor) } as const
    const tokens = opening && (await openSession(parts, tx, visitor, renewed, { ...opening, event }))
    if (tokens === undefined) await appendAudit(tx, event)
    // The mail has arrived at the address: its holder may know the device.
    await queueSecurityMail(tx, 'password-changed', { ...user, emailVerified: true }, visitor)
    if (!user.emailVerified) await runHook(parts.app, 'emailVerified', tx, renewed.user)
    if (tokens !== undefined) await runHook(parts.app, 'signedIn', tx, renewed.user)
    return tokens
  })
  if (done instanceof AuthError) throw done
  // Whoever reads the account's mail may count as its owner (limits/).
  await parts.limits.proved(token.emailKey)
  visitor.device.remember(token.emailKey)
  return done
}
