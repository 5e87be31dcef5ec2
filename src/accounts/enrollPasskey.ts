import { creationOptions } from '../factors/passkeyOptions.ts'
import { relyingParty } from '../factors/relyingParty.ts'
import type { Parts } from '../parts.ts'
import { findPasskeys, type PasskeyOptions } from '../sessions/beginPasskey.ts'
import { boundToSession } from '../sessions/reauthenticateWith.ts'
import { readLiveSession } from '../sessions/sessionState.ts'
import type { SessionViewer } from '../viewer.ts'
import { checkFactorProof } from './checkFactorProof.ts'

/**
 * Begins to add a passkey. Nothing is stored: the challenge is derived (factors/passkeyChallenge.ts), and counts in the
 * viewer's session alone.
 *
 * @throws AuthError REAUTHENTICATION_REQUIRED where the account has factors and the token shows none, UNAUTHENTICATED
 */
export async function enrollPasskey(parts: Parts, viewer: SessionViewer): Promise<PasskeyOptions> {
  const { user } = await readLiveSession(parts.db, viewer.sessionId)
  await checkFactorProof(parts.db, viewer)
  const { id, challenge } = parts.passkeyChallenges.make(
    'webauthn.create',
    boundToSession(viewer.sessionId),
    parts.clock.now(),
  )
  const owner = { id: user.id, email: user.email ?? '' }
  const known = await findPasskeys(parts.db, user.id)
  return { id, options: await creationOptions(relyingParty(parts.config), owner, challenge, known) }
}
