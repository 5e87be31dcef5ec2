import type { AppUser } from './user.ts'

/** What a mail tells, or asks for. Later versions add kinds. */
export type MailKind =
  /** A link that opens the account which was registered. */
  | 'confirm-registration'
  /** A registration with the address of an account that exists. */
  | 'address-taken'
  /** A link that verifies the account's address. */
  | 'verify-email'
  /** A link that sets a new password. */
  | 'reset-password'
  /** A link, to the new address, that makes the address the account's. */
  | 'confirm-new-email'
  /** To the old address: the e-mail was changed, with the link of the way back. */
  | 'email-changed'
  /** To the address that was replaced: the way back was used, and the account has its former address again. */
  | 'email-restored'
  | 'password-changed'
  | 'new-device'
  /** A refresh token was used twice, and its session ended. */
  | 'reuse-detected'
  | 'factors-changed'
  /** All factors were removed by an admin or the operator, and the sessions ended. */
  | 'factors-reset'
  /** An admin has begun a reset that waits a day: `detail.takesEffect` has the time, in ISO 8601. */
  | 'factor-reset-begun'
  /** The signature counter of a passkey did not rise, as if there was a copy of it. The passkey was refused. */
  | 'passkey-cloned'
  /** Several wrong second factors came after the right password: somebody else may know the password. */
  | 'second-factor-failed'
  | 'account-deleted'
  | 'account-recovered'

/** What a mail is written from. */
export interface MailContents {
  readonly kind: MailKind
  readonly recipient: string
  /** null: nobody's yet, as with a registration that waits for its link. */
  readonly userId: string | null
  /** ANNUL_SITE_NAME. */
  readonly siteName: string
  /** What `language` has answered. */
  readonly language: string | undefined
  /** The link with its one-time token; null for a mail without one. */
  readonly link: string | null
  /** The code that may be typed in place of the link, as `XXXX-XXXX`; null where none counts. */
  readonly code: string | null
  /** How long link and code count, from the moment they were asked for; null without a link. */
  readonly lifeSeconds: number | null
  /** When link and code end; null without a link. */
  readonly expiresAt: Date | null
  /** When it happened. */
  readonly at: Date
  /** More that is known, by name: for example `device` ("Firefox on Linux") and `ipAddress`. */
  readonly detail: Readonly<Record<string, string | null>>
}

/** A written mail. */
export interface MailText {
  /** One line of at most 200 characters. */
  readonly subject: string
  /** The plain text. */
  readonly text: string
  /** A whole HTML document. Whoever writes it escapes what it is written from. */
  readonly html: string
}

/** An app's own texts. */
export interface MailOptions {
  /**
   * Writes a mail; `undefined`: Annul's own text is sent. May return a promise, which is waited for 5 s. Where the
   * function throws, or answers with anything else, the failure is logged and Annul's own text is sent.
   */
  readonly text?: ((mail: MailContents) => MailText | undefined | Promise<MailText | undefined>) | undefined
  /**
   * The language of a user, for `text`: for example `de`. Not called for mails without an account. May return a promise,
   * which is waited for 5 s; what it throws is logged, and the language is then unknown.
   */
  readonly language?: ((user: AppUser) => string | undefined | Promise<string | undefined>) | undefined
}

/** @internal */
export const mailOptionNames = ['text', 'language'] as const satisfies readonly (keyof MailOptions)[]
