import type { FactorAnswer } from 'annul/client'
import { endpoint } from '../settings.ts'
import { Failure, failureOf } from './failure.ts'

/* A session beside the page's own: without a cookie, and in memory alone. */

const login = `mutation OpenAside($input: LoginInput!) {
  login(input: $input) { accessToken session { id } }
}`

const completion = `mutation CompleteAside($input: CompleteLoginInput!) {
  completeLogin(input: $input) { accessToken session { id } }
}`

export interface Aside {
  readonly accessToken: string
  readonly sessionId: string
}

interface Opened {
  readonly accessToken: string
  readonly session: { readonly id: string }
}

/** @throws Failure where the password is wrong, or SECOND_FACTOR_REQUIRED, among others */
export async function openAside(email: string, password: string): Promise<Aside> {
  const { login: opened } = await sendAside<{ login: Opened }>(login, { input: { email, password } })
  return asideOf(opened)
}

/** Goes on after SECOND_FACTOR_REQUIRED. @throws Failure where the factor is wrong, among others */
export async function completeAside(challenge: string, factor: FactorAnswer): Promise<Aside> {
  const { completeLogin } = await sendAside<{ completeLogin: Opened }>(completion, {
    input: { challenge, factor },
  })
  return asideOf(completeLogin)
}

function asideOf({ accessToken, session }: Opened): Aside {
  return { accessToken, sessionId: session.id }
}

/** Asks a guarded field by an access token. @throws Failure where the token is refused */
export async function presentAside(accessToken: string): Promise<void> {
  await sendAside('query PresentAside { me { id } }', {}, accessToken)
}

/** Before an end that an outage has kept from the server is asked for again. */
const pausesMs = [500, 2000, 8000]

/**
 * Asks for the end of the session of an access token, where it lives, and again after an outage. Never throws: a session
 * that can't be ended now ends by itself.
 *
 * @returns after the first answer, or the lack of one
 */
export async function logOut(accessToken: string, pauses: readonly number[] = pausesMs): Promise<void> {
  const [pause, ...later] = pauses
  try {
    await sendAside('mutation LogOutAside { logout }', {}, accessToken)
  } catch (error) {
    if (pause !== undefined && failureOf(error).isOutage)
      setTimeout(() => void logOut(accessToken, later), pause)
  }
}

async function sendAside<Data>(query: string, variables: object, accessToken?: string): Promise<Data> {
  const response = await fetch(endpoint, {
    method: 'POST',
    credentials: 'omit',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await response.json()
  const [error] = errors ?? []
  if (error) throw new Failure(error.message, error.extensions)
  return data
}
