import { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill } from '@simplewebauthn/browser'
import type { FactorAnswer, PasskeyAnswer, SessionUser } from 'annul/client'
import { answerWithPasskey, createPasskey, signInWithPasskey } from 'annul/client/passkeys'
import { session } from '../session.ts'
import { texts } from '../texts/en.ts'
import { Failure } from './failure.ts'

/*
 * Passkeys by annul/client. What the browser refuses is said in words of the page.
 */

/** Whether this browser has passkeys: on a page of https, and of `localhost`. */
export const hasPasskeys = browserSupportsWebAuthn()

/** Signs in by a passkey that the person chooses. @throws Failure, or an error of the client */
export function signInByPasskey(): Promise<SessionUser> {
  return byBrowser(() => signInWithPasskey(session))
}

/**
 * A passkey as a second factor.
 *
 * @param challenge of SECOND_FACTOR_REQUIRED; undefined: for the session of the person who is signed in
 * @throws Failure, or an error of the client
 */
export function answerByPasskey(challenge?: string): Promise<FactorAnswer> {
  return byBrowser(() => answerWithPasskey(session, { challenge }))
}

/** Makes a passkey, and adds it to the account. @throws Failure, or an error of the client */
export function addPasskey(name: string): ReturnType<typeof createPasskey> {
  return byBrowser(() => createPasskey(session, { name: name || undefined }))
}

/**
 * Offers passkeys where the browser fills in the e-mail address, until the signal aborts or another question of the page
 * takes the place of this one. Where nothing can be offered, nothing is said: the form and its button are still there.
 *
 * @param use signs in by the passkey that the person has chosen
 */
export async function offerPasskeys(
  signal: AbortSignal,
  use: (answer: PasskeyAnswer) => Promise<SessionUser>,
): Promise<void> {
  if (!(await browserSupportsWebAuthnAutofill())) return
  await signInWithPasskey({ ...session, passkeyLogin: use }, { autofill: true, signal }).catch(() => {})
}

/** @throws Failure that says in words why the browser gives no answer */
async function byBrowser<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  try {
    return await question()
  } catch (error) {
    const said = texts.factor.browser[(error as Error).name]
    throw said === undefined ? error : new Failure(said, { code: '' })
  }
}
