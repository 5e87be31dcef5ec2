import type { FactorMethod } from '../errors.ts'
import type { SessionError } from './error.ts'

export type { FactorMethod }

/** What `onFactor` is asked: one of the account's second factors, to complete a login or a reset of the password. */
export interface FactorQuestion {
  /** For `answerWithPasskey` of `annul/client/passkeys`. Good for 5 minutes, and for 5 wrong answers. */
  readonly challenge: string
  /** What the account has. */
  readonly methods: readonly FactorMethod[]
  /** Why the answer before was refused: CODE_INVALID or PASSKEY_INVALID. Undefined when asked for the first time. */
  readonly error: SessionError | undefined
}

/** What `onStepUp` is asked: a proof of who the user is. */
export interface StepUpQuestion {
  /** Seconds within which the user must have given a proof. Undefined: a factor is wanted, however old its proof is. */
  readonly maxAge: number | undefined
  /** Whether it takes a second factor. Otherwise the password will do as well. */
  readonly mfa: boolean
  /** Why the answer before was refused: INVALID_CREDENTIALS, or as for `onFactor`. */
  readonly error: SessionError | undefined
}

/** A proof by a second factor: exactly one. */
export type FactorAnswer =
  /** A code of the authenticator app. */
  | { readonly totp: string; readonly recoveryCode?: never; readonly passkey?: never }
  | { readonly recoveryCode: string; readonly totp?: never; readonly passkey?: never }
  /** What `answerWithPasskey` returns. */
  | { readonly passkey: PasskeyAnswer; readonly totp?: never; readonly recoveryCode?: never }

/** The browser's answer to a challenge of WebAuthn. */
export interface PasskeyAnswer {
  /** The challenge's id, as the server gave it. */
  readonly id: string
  /** A value of JSON, as `PublicKeyCredential.toJSON()` returns it. */
  readonly response: unknown
}

/** A proof by the password or by a second factor. */
export type StepUpAnswer = { readonly password: string } | FactorAnswer

/**
 * Asks until an answer is right.
 *
 * @param ask given what was wrong with the answer before
 * @param use gives the answer to the server
 * @returns what `use` has returned; undefined when the user gives up
 * @throws what `ask` throws, and an error of the server that another answer can't help
 */
export async function untilRight<Answer, Result>(
  ask: (error: SessionError | undefined) => Promise<Answer | null>,
  use: (answer: Answer) => Promise<Result> | Result,
): Promise<Result | undefined> {
  for (let refused: SessionError | undefined; ; ) {
    const answer = await ask(refused)
    if (!answer) return undefined
    try {
      return await use(answer)
    } catch (error) {
      refused = error as SessionError
      if (!/^(CODE|PASSKEY)_|CREDENTIALS/.test(refused.reason ?? refused.code)) throw error
    }
  }
}
