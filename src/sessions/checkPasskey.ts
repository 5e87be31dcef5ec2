import { and, eq, isNotNull, lt, type SQL, sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { databaseTime } from '../database/clock.ts'
import type { Queries } from '../database/open.ts'
import { epochs, factors, users } from '../database/tables.ts'
import { transact } from '../database/transact.ts'
import { methods } from '../factors/amr.ts'
import { PasskeyRefusal, readAssertion } from '../factors/passkeyResponse.ts'
import {
  checkClientData,
  type KnownPasskey,
  passkeyInvalid,
  refusing,
  verifyAssertion,
} from '../factors/passkeys.ts'
import { relyingParty } from '../factors/relyingParty.ts'
import { spendChallenge } from '../factors/spentChallenges.ts'
import { originOf } from '../input/origin.ts'
import { queueSecurityMail } from '../mail/queueSecurityMail.ts'
import type { Parts } from '../parts.ts'
import type { Visitor } from '../viewer.ts'
import type { FactorProof, ProofOf } from './factorProof.ts'
import type { Checked } from './readCredentials.ts'

/** What a proof by a passkey is wanted for. */
export interface WantedPasskey extends Omit<ProofOf, 'userId'> {
  /** Whose passkey it must be; undefined: the passkey says whose it is. */
  readonly userId?: string | undefined
  /** Whether the authenticator must have verified its user. */
  readonly userVerification: boolean
}

/** A passkey's proof, which is right and not yet used up. */
export interface PasskeyProof extends FactorProof {
  /** The passkey's user, of the instant at which the passkey was looked up: what the tokens of a sign-in are made from. */
  readonly checked: Checked
}

/**
 * Checks the answer of a passkey to a challenge. Garbage, and an answer to another challenge, cost no query.
 *
 * @param input.id the challenge's
 * @param input.response any JSON that the client has sent
 * @throws AuthError BAD_USER_INPUT / PASSKEY_INVALID, whatever is wrong
 */
export async function checkPasskey(
  parts: Parts,
  visitor: Visitor,
  input: { readonly id: string; readonly response: unknown },
  wanted: WantedPasskey,
): Promise<PasskeyProof> {
  const { argument, boundTo, userId, userVerification } = wanted
  const party = relyingParty(parts.config)
  const challenge = parts.passkeyChallenges.open(input.id, 'webauthn.get', boundTo, parts.clock.now())
  const refuse = (cause: string) =>
    refusing<never>(parts, argument, () => {
      throw new PasskeyRefusal(cause)
    })

  const [assertion, origin] = await refusing(parts, argument, () => {
    const assertion = readAssertion(input.response)
    const { clientDataJSON } = assertion.response
    return [assertion, checkClientData(party, clientDataJSON, 'webauthn.get', challenge)] as const
  })
  const found = await findPasskey(parts.db, { challengeId: challenge.id, credentialId: assertion.id, userId })
  if (found === undefined) return refuse('The user has no such passkey.')
  const { passkey, checked, isSpent } = found
  const wants = { userVerification, userHandle: userId === undefined }
  const use = await refusing(parts, argument, () => verifyAssertion(party, assertion, origin, passkey, wants))
  // Step 24: whoever finds a security key that never knew its user could set a PIN, and would be both factors at once.
  if (userVerification && !passkey.uvInitialized)
    return refuse('The passkey has never verified its user beside another factor.')
  // Before the counter is judged: a request that is sent twice is no sign of a copy.
  if (isSpent) return refuse('The challenge was used already.')
  if (!rises(passkey.counter, use.counter)) {
    await tellOfClone(parts, visitor, found, use.counter)
    return refuse('The counter has not risen, as if the passkey was copied.')
  }

  return {
    factorId: passkey.id,
    amr: passkey.backupEligible ? methods.syncedPasskey : methods.devicePasskey,
    checked,
    async spend(tx) {
      if (!(await spendChallenge(tx, challenge))) throw passkeyInvalid(argument)
      const { counter, backedUp, userVerified } = use
      // The password, or the session, is the other factor.
      const uvInitialized = passkey.uvInitialized || (userVerified && userId !== undefined)
      // Of two answers at once, the one with the lower counter may come second. That alone is no sign of a copy.
      const used = await tx
        .update(factors)
        .set({ counter, backedUp, uvInitialized, lastUsedAt: sql`now()` })
        .where(and(eq(factors.id, passkey.id), eq(factors.userId, passkey.userId), risesTo(counter)))
        .returning({ id: factors.id })
      if (used.length === 0) throw passkeyInvalid(argument)
    },
  }
}

/** Step 22 of WebAuthn Level 3, 7.2. Authenticators without a counter always say 0. */
function rises(known: number, said: number): boolean {
  return said > known || (said === 0 && known === 0)
}

function risesTo(said: number): SQL | undefined {
  return said === 0 ? eq(factors.counter, 0) : lt(factors.counter, said)
}

interface FoundPasskey {
  readonly passkey: KnownPasskey & {
    readonly id: string
    readonly counter: number
    readonly uvInitialized: boolean
  }
  readonly checked: Checked
  readonly isSpent: boolean
}

/** A passkey that counts, with its user, and whether the challenge was used already: all of one instant. */
async function findPasskey(
  queries: Queries,
  wanted: { challengeId: string; credentialId: string; userId: string | undefined },
): Promise<FoundPasskey | undefined> {
  const { challengeId, credentialId, userId } = wanted
  const [row] = await queries
    .select({
      factor: factors,
      user: users,
      epoch: epochs.epoch,
      readAt: databaseTime,
      isSpent: sql<boolean>`exists (select from annul.spent_challenges where id = ${challengeId})`,
    })
    .from(factors)
    .innerJoin(users, eq(users.id, factors.userId))
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(
      and(
        eq(factors.credentialId, credentialId),
        isNotNull(factors.confirmedAt),
        userId === undefined ? undefined : eq(factors.userId, userId),
      ),
    )
  if (row === undefined) return undefined
  const { factor, isSpent, ...checked } = row
  const { id, publicKey, counter, backupEligible } = factor
  const uvInitialized = factor.uvInitialized ?? false
  if (publicKey === null || counter === null || backupEligible === null)
    throw new Error('A passkey lacks a column.')
  return {
    passkey: { id, userId: factor.userId, publicKey, counter, backupEligible, uvInitialized },
    // Whoever uses a factor stops a reset of the factors.
    checked: { ...checked, hasFactors: true, isResetDue: false },
    isSpent,
  }
}

/**
 * Two copies of a passkey may be in use (WebAuthn Level 3, 6.1.1). An event and a mail to the owner tell of it: once the
 * signature was right, so that nobody else can cause them.
 */
async function tellOfClone(
  parts: Parts,
  visitor: Visitor,
  { checked: { user }, passkey }: FoundPasskey,
  said: number,
): Promise<void> {
  const isTold = await parts.limits.warns('passkey-cloned', user.emailKey ?? '')
  await transact(parts, async tx => {
    await appendAudit(tx, {
      ...{ kind: 'passkey-cloned', userId: user.id, ...originOf(visitor) },
      detail: `the counter was ${passkey.counter}, and ${said} was sent`,
    })
    if (isTold) await queueSecurityMail(tx, 'passkey-cloned', user, visitor)
  })
}
