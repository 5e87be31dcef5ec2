import { and, asc, eq, isNotNull } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { factors } from '../database/tables.ts'
import { type PasskeyHint, requestOptions } from '../factors/passkeyOptions.ts'
import { relyingParty } from '../factors/relyingParty.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor, SessionViewer } from '../viewer.ts'
import { boundToChallenge, findChallenge } from './factorChallenge.ts'
import { boundToSession } from './reauthenticateWith.ts'

/** A challenge of WebAuthn, as the contract has it. */
export interface PasskeyOptions {
  readonly id: string
  /** For `navigator.credentials`, as JSON. */
  readonly options: unknown
}

/** What a passkey's challenge for `passkeyLogin` is made for: nothing that was there before. */
export const boundToSignIn = 'sign-in'

/**
 * Options for a passkey as the second factor of a login, or of a reset, that waits for one.
 *
 * @param input.challenge that of SECOND_FACTOR_REQUIRED
 * @throws AuthError BAD_USER_INPUT / CHALLENGE_INVALID, TOO_MANY_REQUESTS after many texts that are none
 */
export async function beginPasskey(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { challenge: string },
): Promise<PasskeyOptions> {
  const waiting = await findChallenge(parts, visitor, input.challenge, 'challenge')
  return optionsFor(parts, waiting.userId, boundToChallenge(waiting))
}

/** Options for a proof by a passkey, for `reauthenticateWith` in the viewer's session. */
export function beginViewersPasskey(parts: Parts, viewer: SessionViewer): Promise<PasskeyOptions> {
  return optionsFor(parts, viewer.userId, boundToSession(viewer.sessionId))
}

/**
 * Options to sign in with a passkey alone. They are the same for everybody, and nothing is read or written for them: so
 * they tell nothing of accounts, and may be asked for as often as one likes.
 */
export async function beginPasskeyLogin(parts: Parts): Promise<PasskeyOptions> {
  const { id, challenge } = parts.passkeyChallenges.make('webauthn.get', boundToSignIn, parts.clock.now())
  return { id, options: await requestOptions(relyingParty(parts.config), challenge, [], 'required') }
}

/** A user's passkeys that count, the oldest first. */
export async function findPasskeys(queries: Queries, userId: string): Promise<PasskeyHint[]> {
  const found = await queries
    .select({ credentialId: factors.credentialId, transports: factors.transports })
    .from(factors)
    .where(and(eq(factors.userId, userId), eq(factors.kind, 'PASSKEY'), isNotNull(factors.confirmedAt)))
    .orderBy(asc(factors.createdAt), asc(factors.id))
  return found.flatMap(({ credentialId, transports }) =>
    credentialId === null ? [] : [{ credentialId, transports: transports ?? [] }],
  )
}

/** The password was right already, so a verified user is preferred and not required. */
async function optionsFor(parts: Parts, userId: string, bound: string): Promise<PasskeyOptions> {
  const allowed = await findPasskeys(parts.db, userId)
  const { id, challenge } = parts.passkeyChallenges.make('webauthn.get', bound, parts.clock.now())
  return { id, options: await requestOptions(relyingParty(parts.config), challenge, allowed, 'preferred') }
}
