import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { violates } from '../database/outage.ts'
import { factors } from '../database/tables.ts'
import { passkeyInvalid, refusing, verifyNewPasskey } from '../factors/passkeys.ts'
import { relyingParty } from '../factors/relyingParty.ts'
import { spendChallenge } from '../factors/spentChallenges.ts'
import { checkText } from '../input/text.ts'
import type { Parts } from '../parts.ts'
import { boundToSession } from '../sessions/reauthenticateWith.ts'
import type { SessionViewer } from '../viewer.ts'
import { confirmFactor, type FactorConfirmed } from './confirmFactor.ts'
import { factorColumns } from './listFactors.ts'
import { longestName } from './renameFactor.ts'

const argument = 'response'

/**
 * Adds the passkey that a browser has made for enrollPasskey's options.
 *
 * @param input.response any JSON that the client has sent
 * @throws AuthError BAD_USER_INPUT / PASSKEY_INVALID, TEXT_TOO_LONG or TEXT_CHARACTERS; what confirmFactor throws
 */
export async function confirmPasskey(
  parts: Parts,
  viewer: SessionViewer,
  input: { id: string; response: unknown; name?: string | null | undefined },
): Promise<FactorConfirmed> {
  const { userId, sessionId } = viewer
  const name = input.name == null ? null : checkText(input.name, longestName, 'name').trim() || null
  const challenge = parts.passkeyChallenges.open(
    input.id,
    'webauthn.create',
    boundToSession(sessionId),
    parts.clock.now(),
  )
  const { transports, ...passkey } = await refusing(parts, argument, () =>
    verifyNewPasskey(relyingParty(parts.config), input.response, challenge),
  )
  return confirmFactor(parts, viewer, async tx => {
    if (!(await spendChallenge(tx, challenge))) throw passkeyInvalid(argument)
    const [factor] = await tx
      .insert(factors)
      .values({
        ...{ id: randomUUID(), userId, kind: 'PASSKEY', name, ...passkey, transports: [...transports] },
        confirmedAt: sql`now()`,
      })
      .returning(factorColumns)
    if (factor === undefined) throw new Error('An inserted factor was not returned.')
    return factor
  }).catch(error => {
    // Step 26: the id is that of another passkey, whosever it is.
    throw violates(error, 'factors_credential') ? passkeyInvalid(argument) : error
  })
}
