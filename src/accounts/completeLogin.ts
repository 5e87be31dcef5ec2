import { and, eq } from 'drizzle-orm'
import { oneTimeTokens } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import { methods, together } from '../factors/amr.ts'
import type { Parts } from '../parts.ts'
import { type Answered, answerChallenge } from '../sessions/answerChallenge.ts'
import { challengeRefused } from '../sessions/factorChallenge.ts'
import type { FactorInput } from '../sessions/factorProof.ts'
import { finishLogin, rememberOwner } from '../sessions/finishLogin.ts'
import type { Tokens } from '../sessions/issueTokens.ts'
import type { Opening } from '../sessions/openSession.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import { useProof } from '../sessions/useProof.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { isLive } from './oneTime.ts'
import { renewPassword } from './renewPassword.ts'

/**
 * Completes a login, or a reset of the password, that was answered by SECOND_FACTOR_REQUIRED. The challenge and the
 * factor are used up in the transaction that opens the session.
 *
 * @throws AuthError what answerChallenge throws; CHALLENGE_INVALID also where the password was changed or the account
 *   was blocked meanwhile, and for a login where everything was revoked
 */
export async function completeLogin(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { challenge: string; factor: FactorInput; cookie?: boolean },
): Promise<Tokens> {
  const answered = await answerChallenge(parts, visitor, input)
  const opening = { cookie: input.cookie ?? false, proved: provedBy(answered) }
  // After a signing key was revoked, the next one is being read. Not in the transaction, whose connection it may need.
  await parts.keys.awaitCurrent()
  const tokens =
    answered.challenge.tokenId === null
      ? await completeSignIn(parts, visitor, answered, opening)
      : await renewAnswered(parts, visitor, answered, opening)
  if (tokens === undefined) throw new Error('A session that was opened is gone.')
  await rememberOwner(parts, visitor, tokens.user)
  return tokens
}

/**
 * As `completeLogin`, for a reset of the password that opens no session: by the page behind the mail's link.
 *
 * @throws AuthError what completeLogin throws; CHALLENGE_INVALID also for the challenge of a login
 */
export async function completeReset(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { challenge: string; factor: FactorInput },
): Promise<void> {
  const answered = await answerChallenge(parts, visitor, input)
  await renewAnswered(parts, visitor, answered)
}

async function completeSignIn(
  parts: Parts,
  visitor: DeviceVisitor,
  { challenge, proof }: Answered,
  opening: Opening,
): Promise<Tokens> {
  const tokens = await transact(parts, async tx => {
    // Versions that are raised after this read end the session from the start (openSession).
    const checked = await readCredentials(tx, { id: challenge.userId })
    const isAsChecked =
      checked?.user.status === 'ACTIVE' &&
      checked.user.sessionVersion === challenge.sessionVersion &&
      checked.epoch === challenge.epoch
    if (!isAsChecked) throw challengeRefused()
    await useProof(tx, visitor, challenge.userId, proof)
    return finishLogin(parts, tx, visitor, checked, opening)
  })
  parts.metrics.loggedIn('accepted')
  return tokens
}

/** @throws AuthError CHALLENGE_INVALID where the link is dead by now, or the challenge is that of a login */
async function renewAnswered(
  parts: Parts,
  visitor: DeviceVisitor,
  answered: Answered,
  opening?: Opening,
): Promise<Tokens | undefined> {
  const { challenge } = answered
  const refused = challengeRefused()
  const { tokenId, passwordHash } = challenge
  if (tokenId === null || passwordHash === null) throw refused
  const [token] = await parts.db
    .select()
    .from(oneTimeTokens)
    .where(and(eq(oneTimeTokens.id, tokenId), isLive))
  if (token === undefined) throw refused
  return renewPassword(parts, visitor, { token, refused, passwordHash, answered }, opening)
}

function provedBy({ proof }: Answered) {
  return { amr: together(methods.password, proof.amr), factorIds: [proof.factorId] }
}
