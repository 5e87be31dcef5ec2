import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'

/*
 * What a browser answers, made safe: a response is any JSON that a client has sent. It is read into an object of known
 * members, each of a bounded length, before anything parses it.
 */

/** Why an answer is refused: for the log. A client is told one thing, whatever the cause (factors/passkeys.ts). */
export class PasskeyRefusal extends Error {
  override readonly name = 'PasskeyRefusal'
}

/** What of the client data is looked at. Any of it may be any JSON. */
export interface ClientData {
  readonly type?: unknown
  readonly challenge?: unknown
  readonly origin?: unknown
  readonly crossOrigin?: unknown
  readonly topOrigin?: unknown
}

/** The longest credential id, in bytes (WebAuthn Level 3, 7.1, step 25). */
const maxIdBytes = 1023
/** An origin has some 300 characters at most, and a challenge of Annul's 43. */
const maxClientDataBytes = 4096
/** Authenticator data with the longest id and the longest key, and a statement without certificates. */
const maxAttestationBytes = 8192
const maxAuthenticatorDataBytes = 2048
/** RSA of 4096 bits. */
const maxSignatureBytes = 512
/** WebAuthn Level 3, 5.4.3. */
const maxUserHandleBytes = 64
const maxTransports = 10

/** @throws PasskeyRefusal for anything but an answer to `navigator.credentials.create` */
export function readAttestation(given: unknown): RegistrationResponseJSON {
  const { id, clientDataJSON, response } = readOuter(given)
  const attestationObject = base64url(response.attestationObject, maxAttestationBytes)
  return {
    ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
    response: { clientDataJSON, attestationObject, transports: transportsIn(response.transports) },
  }
}

/** @throws PasskeyRefusal for anything but an answer to `navigator.credentials.get` */
export function readAssertion(given: unknown): AuthenticationResponseJSON {
  const { id, clientDataJSON, response } = readOuter(given)
  const authenticatorData = base64url(response.authenticatorData, maxAuthenticatorDataBytes)
  const signature = base64url(response.signature, maxSignatureBytes)
  // None where the authenticator keeps no user, as a security key without discoverable credentials.
  const userHandle = response.userHandle ? base64url(response.userHandle, maxUserHandleBytes) : undefined
  return {
    ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
    response: { clientDataJSON, authenticatorData, signature, ...(userHandle && { userHandle }) },
  }
}

/** The client data of a response. @returns undefined where it is no JSON object */
export function readClientData(clientDataJSON: string): ClientData | undefined {
  try {
    // A byte order mark is dropped, as WebAuthn's "UTF-8 decode" does.
    const parsed: unknown = JSON.parse(new TextDecoder().decode(Buffer.from(clientDataJSON, 'base64url')))
    return isRecord(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function readOuter(given: unknown) {
  if (
    !isRecord(given) ||
    !isRecord(given.response) ||
    given.rawId !== given.id ||
    given.type !== 'public-key'
  )
    throw new PasskeyRefusal('The response has another form.')
  const id = base64url(given.id, maxIdBytes)
  const clientDataJSON = base64url(given.response.clientDataJSON, maxClientDataBytes)
  return { id, clientDataJSON, response: given.response }
}

/** Hints for the browser. Those that are not registered yet are kept, too. */
function transportsIn(given: unknown): string[] {
  const texts: unknown[] = Array.isArray(given) ? given.slice(0, maxTransports) : []
  return texts.filter(text => typeof text === 'string').filter(text => /^[a-z-]{1,32}$/.test(text))
}

/** Only the canonical spelling: one credential has one id. @throws PasskeyRefusal */
function base64url(value: unknown, maxBytes: number): string {
  const isText = typeof value === 'string' && value !== '' && value.length <= Math.ceil((maxBytes * 4) / 3)
  if (!isText || Buffer.from(value, 'base64url').toString('base64url') !== value)
    throw new PasskeyRefusal('A member of the response is no base64url, or is too long.')
  return value
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
