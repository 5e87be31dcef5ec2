import {
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
} from '@simplewebauthn/browser'
import type { FactorMethod, PasskeyAnswer } from './questions.ts'
import { passkeyMutations } from './requests/passkeyMutations.ts'
import type { SendOptions } from './requests/sendOptions.ts'
import type { Session, SessionUser } from './types.ts'

/*
 * Passkeys in browsers, by @simplewebauthn/browser. A door of its own, so that apps without passkeys do not carry it.
 * Where the user gives up, or the browser has no passkeys, the functions throw what that package throws (WebAuthnError).
 */

/** A second factor or a passkey of the account. */
export interface Factor {
  readonly id: string
  readonly kind: FactorMethod
  /** What the user calls it. */
  readonly name: string | null
  /** As RFC 3339 writes it. */
  readonly createdAt: string
  /** When it last gave a proof, as RFC 3339 writes it. */
  readonly lastUsedAt: string | null
}

/** What `createPasskey` returns. */
export interface CreatedPasskey {
  readonly factor: Factor
  /** Ten codes for the day when the passkey is lost, shown once. Null unless this is the account's first factor. */
  readonly recoveryCodes: readonly string[] | null
}

interface Challenge<Options> {
  readonly id: string
  readonly options: Options
}

/** The challenge lasts for 5 minutes, and a form can be open for longer. */
const renewMs = 4 * 60_000

/**
 * Makes a passkey for the signed-in user, and adds it to the account. The server wants a recent proof for this, so the
 * session may ask by `onStepUp` first.
 *
 * @param options.name what the user calls it, at most 100 characters
 * @throws SessionError REAUTHENTICATION_REQUIRED, BAD_USER_INPUT (PASSKEY_INVALID, …), …
 * @throws WebAuthnError of `@simplewebauthn/browser`: the user has given up, the passkey is there already, …
 * @example
 * const { factor, recoveryCodes } = await createPasskey(session, { name: 'My phone' })
 * if (recoveryCodes) show(recoveryCodes)
 */
export async function createPasskey(
  session: Session,
  options: { readonly name?: string | undefined } = {},
): Promise<CreatedPasskey> {
  const { fetch } = session
  const begun = await session.send<Challenge<PublicKeyCredentialCreationOptionsJSON>>(
    'enrollPasskey',
    {},
    { ...passkeyMutations.enrollPasskey, fetch, repeatable: true },
  )
  const response = await startRegistration({ optionsJSON: begun.options })
  return session.send<CreatedPasskey>(
    'confirmPasskey',
    { id: begun.id, response, name: options.name },
    { ...passkeyMutations.confirmPasskey, fetch },
  )
}

/**
 * Asks the browser for one of the account's passkeys: an answer for `onFactor`, `onStepUp`, `completeLogin` and
 * `reauthenticateWith`.
 *
 * @param options.challenge what `onFactor` was given, or SECOND_FACTOR_REQUIRED. Without it, for the signed-in user
 * @throws SessionError BAD_USER_INPUT (CHALLENGE_INVALID), UNAUTHENTICATED, …
 * @throws WebAuthnError of `@simplewebauthn/browser`
 * @example
 * await session.reauthenticateWith(await answerWithPasskey(session))
 */
export async function answerWithPasskey(
  session: Session,
  options: { readonly challenge?: string | undefined } = {},
): Promise<{ readonly passkey: PasskeyAnswer }> {
  const asked: SendOptions = { ...passkeyMutations.beginPasskey, repeatable: true }
  const begun = await session.send<Challenge<PublicKeyCredentialRequestOptionsJSON>>(
    'beginPasskey',
    { challenge: options.challenge },
    // With a challenge nobody is signed in yet, or somebody else.
    options.challenge === undefined ? { ...asked, fetch: session.fetch } : asked,
  )
  return { passkey: { id: begun.id, response: await startAuthentication({ optionsJSON: begun.options }) } }
}

/**
 * Signs in with a passkey alone: no e-mail and no password are asked. The passkey is both factors at once.
 *
 * @param options.autofill offers the passkeys where the browser fills in forms, in an input with
 *   `autocomplete="username webauthn"`, and waits until the user picks one. A later call of this or another function ends
 *   the wait with an error of the name `AbortError`
 * @param options.signal ends the wait, for example when the form is left
 * @throws SessionError BAD_USER_INPUT (PASSKEY_INVALID), TOO_MANY_REQUESTS, UNAVAILABLE
 * @throws WebAuthnError of `@simplewebauthn/browser`; an Error where the browser has no autofill for passkeys
 * @example
 * signInWithPasskey(session, { autofill: true, signal }).catch(() => {}) // beside the form
 * button.onclick = () => signInWithPasskey(session)
 */
export async function signInWithPasskey(
  session: Session,
  options: { readonly autofill?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<SessionUser> {
  const { autofill = false, signal } = options
  for (;;) {
    signal?.throwIfAborted()
    const { id, options: optionsJSON } = await session.send<Challenge<PublicKeyCredentialRequestOptionsJSON>>(
      'beginPasskeyLogin',
      {},
      { ...passkeyMutations.beginPasskeyLogin, repeatable: true },
    )
    signal?.throwIfAborted()
    const asked = startAuthentication({ optionsJSON, useBrowserAutofill: autofill })
    const end = () => endWait(asked)
    let isOld = false
    const renew = () => {
      isOld = true
      end()
    }
    const timer = autofill ? setTimeout(renew, renewMs) : undefined
    signal?.addEventListener('abort', end)
    let response: unknown
    try {
      response = await asked
    } catch (error) {
      if (isOld) continue
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
    }
    return session.passkeyLogin({ id, response })
  }
}

/**
 * Ends the browser's wait for the user. The package begins the wait only when the browser has said whether it has autofill
 * for passkeys, and before that there is nothing that could be cancelled: so this is tried until the wait has ended.
 */
function endWait(asked: Promise<unknown>): void {
  const cancel = () => WebAuthnAbortService.cancelCeremony()
  cancel()
  const again = setInterval(cancel, 50)
  const done = () => clearInterval(again)
  asked.then(done, done)
}
