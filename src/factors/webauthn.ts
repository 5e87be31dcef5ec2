import type * as server from '@simplewebauthn/server'
import type * as helpers from '@simplewebauthn/server/helpers'

/** The library of WebAuthn, and its parsers. */
export type WebAuthn = Pick<
  typeof server & typeof helpers,
  | 'generateRegistrationOptions'
  | 'generateAuthenticationOptions'
  | 'verifyRegistrationResponse'
  | 'verifyAuthenticationResponse'
  | 'decodeAttestationObject'
  | 'decodeCredentialPublicKey'
  | 'isoBase64URL'
>

/**
 * Loads the library when the first passkey is asked for: with its parsers of certificates it would add a third of a
 * second to the start of every server and command.
 */
export function loadWebAuthn(): Promise<WebAuthn> {
  loading ??= load()
  return loading
}

let loading: Promise<WebAuthn> | undefined

async function load(): Promise<WebAuthn> {
  const server = await import('@simplewebauthn/server')
  const helpers = await import('@simplewebauthn/server/helpers')
  return { ...server, ...helpers }
}
