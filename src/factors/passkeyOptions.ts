import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import { challengeSeconds } from './passkeyChallenge.ts'
import { passkeyAlgorithms } from './passkeyKey.ts'
import type { RelyingParty } from './relyingParty.ts'
import { loadWebAuthn } from './webauthn.ts'

/** A passkey for the browser to offer, or to leave out. */
export interface PasskeyHint {
  readonly credentialId: string
  readonly transports: readonly string[]
}

/**
 * The user handle of WebAuthn: the bytes of the user's UUID. They are random and tell nothing of a person (Level 3,
 * 14.6.1), and stay the same when the secret changes, which a MAC under the secret would not: every passkey would be of
 * an unknown user then.
 */
export function userHandleOf(userId: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(userId.replaceAll('-', ''), 'hex'))
}

/**
 * Options for `navigator.credentials.create`.
 *
 * User verification is preferred. A security key without a PIN is a second factor, and signs in alone only after it has
 * verified its user beside another factor (sessions/checkPasskey.ts).
 *
 * @param excluded those of the user, so that no authenticator makes a second one
 */
export async function creationOptions(
  party: RelyingParty,
  user: { readonly id: string; readonly email: string },
  challenge: Uint8Array<ArrayBuffer>,
  excluded: readonly PasskeyHint[],
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { generateRegistrationOptions } = await loadWebAuthn()
  return generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userID: userHandleOf(user.id),
    userName: user.email,
    userDisplayName: user.email,
    challenge,
    timeout: challengeSeconds * 1000,
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    supportedAlgorithmIDs: [...passkeyAlgorithms],
    excludeCredentials: excluded.map(described),
  })
}

/**
 * Options for `navigator.credentials.get`.
 *
 * @param allowed the user's passkeys; empty: whichever the browser has, and the user is known by the answer
 */
export async function requestOptions(
  party: RelyingParty,
  challenge: Uint8Array<ArrayBuffer>,
  allowed: readonly PasskeyHint[],
  userVerification: 'required' | 'preferred',
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await loadWebAuthn()
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge,
    timeout: challengeSeconds * 1000,
    userVerification,
    allowCredentials: allowed.map(described),
  })
}

function described({ credentialId, transports }: PasskeyHint) {
  return { id: credentialId, transports: [...transports] }
}
