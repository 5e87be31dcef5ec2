import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
} from '@simplewebauthn/browser'
import type { PasskeyAnswer } from 'annul/client'
import { session } from '../session.ts'
import { texts } from '../texts/en.ts'
import { ask } from './ask.ts'
import { Failure } from './failure.ts'

interface Challenge<Options> {
  readonly id: string
  readonly options: Options
}

export type CreationOptions = PublicKeyCredentialCreationOptionsJSON

/** Whether this browser has passkeys: on a page of https, and of `localhost`. */
export const hasPasskeys = browserSupportsWebAuthn()

/** Signs in by a passkey that the person chooses. @throws Failure */
export async function signInByPasskey(): Promise<void> {
  const { id, options } = await beginLogin()
  const response = await byBrowser(() => startAuthentication({ optionsJSON: options }))
  await session.passkeyLogin({ id, response })
}

/**
 * A passkey as a second factor.
 *
 * @param challenge of SECOND_FACTOR_REQUIRED; undefined: for the session of the person who is signed in
 * @throws Failure
 */
export async function answerByPasskey(challenge?: string): Promise<PasskeyAnswer> {
  const { beginPasskey } = await ask<{
    beginPasskey: Challenge<PublicKeyCredentialRequestOptionsJSON>
  }>('mutation BeginPasskey($challenge: String) { beginPasskey(challenge: $challenge) { id options } }', {
    challenge: challenge ?? null,
  })
  const { id, options } = beginPasskey
  return { id, response: await byBrowser(() => startAuthentication({ optionsJSON: options })) }
}

/** Makes a passkey by the options of `enrollPasskey`. @returns what `confirmPasskey` takes @throws Failure */
export function makePasskey(optionsJSON: CreationOptions): Promise<object> {
  return byBrowser(() => startRegistration({ optionsJSON }))
}

/** A challenge is good for 5 minutes: a page that is open for longer offers its passkeys by a new one. */
const offerMs = 4 * 60_000

/**
 * Offers passkeys where the browser fills in the e-mail address, until the signal aborts or another question of the page
 * takes the place of this one. Without an answer of the server nothing is offered: the form tells why when it is sent.
 *
 * @returns the passkey that the person has chosen; undefined: none
 */
export async function offerPasskeys(signal: AbortSignal): Promise<PasskeyAnswer | undefined> {
  const cancel = () => WebAuthnAbortService.cancelCeremony()
  try {
    if (!(await browserSupportsWebAuthnAutofill())) return undefined
    while (!signal.aborted) {
      const { id, options } = await beginLogin(signal)
      if (signal.aborted) return undefined
      let isOver = false
      const timer = setTimeout(() => {
        isOver = true
        cancel()
      }, offerMs)
      signal.addEventListener('abort', cancel)
      try {
        return { id, response: await startAuthentication({ optionsJSON: options, useBrowserAutofill: true }) }
      } catch (error) {
        if (!isOver) throw error
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', cancel)
      }
    }
  } catch {
    // The button below the form is still there.
  }
  return undefined
}

async function beginLogin(signal?: AbortSignal): Promise<Challenge<PublicKeyCredentialRequestOptionsJSON>> {
  const { beginPasskeyLogin } = await ask<{
    beginPasskeyLogin: Challenge<PublicKeyCredentialRequestOptionsJSON>
  }>('mutation BeginPasskeyLogin { beginPasskeyLogin { id options } }', {}, signal)
  return beginPasskeyLogin
}

/** @throws Failure that says in words why the browser gives no answer */
async function byBrowser<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  try {
    return await question()
  } catch (error) {
    const { name, message } = error as Error
    throw new Failure(texts.factor.browser[name] ?? message, { code: '' })
  }
}
