import { must } from './answers.ts'
import {
  type Authenticator,
  type Challenge,
  type NewPasskeyTampering,
  openAuthenticator,
  type Passkey,
} from './authenticator.ts'
import { type Account, type Answer, type TokensAnswer, tokenFields } from './client.ts'
import type { TestServer } from './server.ts'

/* The mutations of passkeys, as a client sends them. */

/** An account with one passkey. */
export interface PasskeyAccount extends Account {
  readonly factorId: string
  readonly authenticator: Authenticator
  readonly passkey: Passkey
  readonly recoveryCodes: readonly string[]
  /** Of the session that enrolled the passkey, without a second factor. */
  readonly tokens: TokensAnswer
}

export interface Confirmed {
  readonly factor: { readonly id: string; readonly kind: string; readonly name: string | null }
  readonly recoveryCodes: readonly string[] | null
}

export async function enrollPasskey(node: TestServer, accessToken: string): Promise<Challenge> {
  const query = 'mutation { enrollPasskey { id options } }'
  return must(await node.send<{ enrollPasskey: Challenge }>(query, { token: accessToken })).enrollPasskey
}

export function confirmPasskey(
  node: TestServer,
  accessToken: string,
  id: string,
  response: unknown,
  name?: string,
): Promise<Answer<{ confirmPasskey: Confirmed }>> {
  return node.send(
    `mutation ($id: ID!, $response: JSON!, $name: String) {
      confirmPasskey(id: $id, response: $response, name: $name) { factor { id kind name } recoveryCodes } }`,
    { token: accessToken, variables: { id, response, name } },
  )
}

/** Adds a passkey. */
export async function addPasskey(
  node: TestServer,
  accessToken: string,
  authenticator: Authenticator,
  tampering?: NewPasskeyTampering,
) {
  const challenge = await enrollPasskey(node, accessToken)
  const { answer, passkey } = authenticator.create(challenge, tampering)
  const { confirmPasskey: confirmed } = must(await confirmPasskey(node, accessToken, challenge.id, answer))
  return { passkey, factorId: confirmed.factor.id, recoveryCodes: confirmed.recoveryCodes ?? [] }
}

/** A new account with a passkey. */
export async function signUpWithPasskey(
  node: TestServer,
  authenticator = openAuthenticator(),
  tampering?: NewPasskeyTampering,
): Promise<PasskeyAccount> {
  const { email, password, userId, ...tokens } = await node.signUp()
  const added = await addPasskey(node, tokens.accessToken, authenticator, tampering)
  return { email, password, userId, tokens, authenticator, ...added }
}

/** @param options.challenge that of SECOND_FACTOR_REQUIRED; default: for the session of the token */
export function beginAnswer(
  node: TestServer,
  options: { challenge?: string; token?: string },
): Promise<Answer<{ beginPasskey: Challenge }>> {
  const { challenge, token } = options
  return node.send('mutation ($challenge: String) { beginPasskey(challenge: $challenge) { id options } }', {
    variables: { challenge },
    ...(token !== undefined && { token }),
  })
}

export async function beginPasskey(
  node: TestServer,
  options: { challenge?: string; token?: string },
): Promise<Challenge> {
  return must(await beginAnswer(node, options)).beginPasskey
}

export async function beginPasskeyLogin(node: TestServer): Promise<Challenge> {
  const query = 'mutation { beginPasskeyLogin { id options } }'
  return must(await node.send<{ beginPasskeyLogin: Challenge }>(query)).beginPasskeyLogin
}

export function passkeyLogin(
  node: TestServer,
  id: string,
  response: unknown,
  options: { headers?: Record<string, string> } = {},
): Promise<Answer<{ passkeyLogin: TokensAnswer }>> {
  return node.send(
    `mutation ($input: PasskeyLoginInput!) { passkeyLogin(input: $input) { ${tokenFields} } }`,
    { variables: { input: { id, response } }, ...options },
  )
}
