import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import { type AuthError, badUserInput } from '../errors.ts'
import type { Log } from '../log.ts'
import type { AnsweredChallenge, Ceremony } from './passkeyChallenge.ts'
import { checkPasskeyKey, passkeyAlgorithms } from './passkeyKey.ts'
import { userHandleOf } from './passkeyOptions.ts'
import { PasskeyRefusal, readAttestation, readClientData } from './passkeyResponse.ts'
import type { RelyingParty } from './relyingParty.ts'
import { loadWebAuthn } from './webauthn.ts'

/*
 * The two ceremonies of WebAuthn Level 3, as its lists have them: 7.1 registers a passkey, and 7.2 verifies a proof by
 * one. Comments give the numbers of steps. What the library does not check, or not strictly, is checked here, and first:
 * the library's errors then tell of the rest alone.
 */

/** A passkey that was verified, as its row has it. */
export interface NewPasskey {
  readonly credentialId: string
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly counter: number
  readonly transports: readonly string[]
  readonly backupEligible: boolean
  readonly backedUp: boolean
  /** Whether the authenticator has verified its user. */
  readonly uvInitialized: boolean
}

/** A passkey's row. */
export interface KnownPasskey {
  readonly userId: string
  readonly publicKey: Uint8Array
  readonly backupEligible: boolean
}

/** What an authenticator has said beside its signature. */
export interface PasskeyUse {
  readonly counter: number
  readonly backedUp: boolean
  readonly userVerified: boolean
}

/** The one refusal of passkeys. @param argument the path of the response or of its input */
export function passkeyInvalid(argument: string): AuthError {
  return badUserInput(
    argument,
    'PASSKEY_INVALID',
    'This passkey could not be verified, or its challenge was used already or has expired. Please try again.',
  )
}

/**
 * Runs a verification. Nothing of the cause of a refusal reaches the client, and what a parser throws about a client's
 * bytes is a refusal as well.
 *
 * @throws AuthError BAD_USER_INPUT / PASSKEY_INVALID
 */
export async function refusing<T>(
  { log }: { readonly log: Pick<Log, 'info'> },
  argument: string,
  verify: () => T | Promise<T>,
): Promise<T> {
  try {
    return await verify()
  } catch (error) {
    const cause = error instanceof Error ? error.message.slice(0, 200) : 'unknown'
    log.info({ cause, argument }, 'A passkey was refused.')
    throw passkeyInvalid(argument)
  }
}

/**
 * Steps 7 to 11 of 7.1, and 10 to 14 of 7.2.
 *
 * @returns the origin, which is an expected one
 * @throws PasskeyRefusal
 */
export function checkClientData(
  party: RelyingParty,
  clientDataJSON: string,
  ceremony: Ceremony,
  expected: AnsweredChallenge,
): string {
  const { type, challenge, origin, crossOrigin, topOrigin } = readClientData(clientDataJSON) ?? {}
  if (type !== ceremony) throw new PasskeyRefusal('The client data is of another type.')
  if (typeof challenge !== 'string' || !expected.is(challenge))
    throw new PasskeyRefusal('The challenge is another one, or has expired.')
  if (typeof origin !== 'string' || !party.isExpected(origin))
    throw new PasskeyRefusal('The origin is not an expected one (ANNUL_PUBLIC_URL, ANNUL_ALLOWED_ORIGINS).')
  // No page that asks for a passkey stands in a frame of another origin: the frame around it could mislead its user.
  if ((crossOrigin !== undefined && crossOrigin !== false) || topOrigin !== undefined)
    throw new PasskeyRefusal('The page stood in a frame of another origin.')
  return origin
}

/**
 * Registers a passkey (7.1), from step 3 on. Whether its id is free (step 26) is for the table to say.
 *
 * @param response as the client has sent it
 * @throws PasskeyRefusal, or an error of a parser
 */
export async function verifyNewPasskey(
  party: RelyingParty,
  response: unknown,
  challenge: AnsweredChallenge,
): Promise<NewPasskey> {
  const attestation = readAttestation(response)
  const { clientDataJSON, attestationObject } = attestation.response
  const origin = checkClientData(party, clientDataJSON, 'webauthn.create', challenge)
  const webauthn = await loadWebAuthn()

  // Steps 21 to 24. None was asked for. A browser drops what an authenticator states of itself, but a signature by the
  // passkey's own key. Statements with certificates, whose parsers are large, are not looked at.
  const statement = webauthn.decodeAttestationObject(webauthn.isoBase64URL.toBuffer(attestationObject))
  const [fmt, attStmt] = [statement.get('fmt'), statement.get('attStmt')]
  // A statement of another type than a map would count as an empty one.
  if (!(attStmt instanceof Map)) throw new PasskeyRefusal('The attestation has no statement.')
  const isSelfAttested = fmt === 'packed' && attStmt.get('x5c') === undefined
  if (fmt !== 'none' && !isSelfAttested) throw new PasskeyRefusal('The attestation is of an unwanted format.')

  // Steps 13 to 20, and 22. The challenge and the origin were found right above.
  const { verified, registrationInfo } = await webauthn.verifyRegistrationResponse({
    response: attestation,
    expectedChallenge: () => true,
    expectedOrigin: origin,
    expectedRPID: party.id,
    supportedAlgorithmIDs: [...passkeyAlgorithms],
    // Step 16: kept with the passkey, because a passkey that signs in alone must have verified its user.
    requireUserVerification: false,
  })
  if (!verified) throw new PasskeyRefusal('The attestation is not right.')
  const { credential, credentialDeviceType, credentialBackedUp, userVerified } = registrationInfo
  const algorithm = checkPasskeyKey(webauthn.decodeCredentialPublicKey(credential.publicKey))
  if (isSelfAttested && attStmt.get('alg') !== algorithm)
    throw new PasskeyRefusal('The attestation is by another algorithm than the passkey.')
  // Step 25, as the id beside the passkey was read within its bounds.
  if (credential.id !== attestation.id) throw new PasskeyRefusal('The passkey has two ids.')
  return {
    credentialId: credential.id,
    publicKey: credential.publicKey,
    counter: credential.counter,
    transports: attestation.response.transports ?? [],
    backupEligible: credentialDeviceType === 'multiDevice',
    backedUp: credentialBackedUp,
    uvInitialized: userVerified,
  }
}

/**
 * Verifies a proof by a passkey (7.2), from step 6 on. The signature counter (step 22) is for the caller to compare: only
 * once the signature is right does it tell of a copy.
 *
 * @param origin that of checkClientData, which has come before
 * @throws PasskeyRefusal, or an error of a parser
 */
export async function verifyAssertion(
  party: RelyingParty,
  assertion: AuthenticationResponseJSON,
  origin: string,
  passkey: KnownPasskey,
  wanted: { readonly userVerification: boolean; readonly userHandle: boolean },
): Promise<PasskeyUse> {
  // Step 6.
  const { userHandle } = assertion.response
  const ownHandle = Buffer.from(userHandleOf(passkey.userId)).toString('base64url')
  if (userHandle === undefined ? wanted.userHandle : userHandle !== ownHandle)
    throw new PasskeyRefusal('The passkey is of another user than it says, or does not say of whom.')

  // Steps 15 to 18, 20 and 21. The counter is compared by the caller: by 0, any that rises passes.
  const { verifyAuthenticationResponse } = await loadWebAuthn()
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response: assertion,
    expectedChallenge: () => true,
    expectedOrigin: origin,
    expectedRPID: party.id,
    credential: { id: assertion.id, publicKey: Uint8Array.from(passkey.publicKey), counter: 0 },
    requireUserVerification: wanted.userVerification,
  })
  if (!verified) throw new PasskeyRefusal('The signature is not right.')
  // Step 19.
  const { newCounter, credentialDeviceType, credentialBackedUp, userVerified } = authenticationInfo
  if ((credentialDeviceType === 'multiDevice') !== passkey.backupEligible)
    throw new PasskeyRefusal('The passkey has changed whether it may be synchronised.')
  return { counter: newCounter, backedUp: credentialBackedUp, userVerified }
}
