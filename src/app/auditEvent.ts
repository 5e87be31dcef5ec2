/** What an audit event tells of. Later versions add kinds. */
export type AuditKind =
  | 'register'
  | 'login'
  | 'login-failed'
  | 'logout'
  | 'refresh-reused'
  | 'renew'
  | 'revoke-session'
  | 'revoke-sessions'
  | 'revoke-other-sessions'
  | 'reauthenticate'
  | 'reauthenticate-failed'
  | 'second-factor-asked'
  | 'second-factor-failed'
  | 'add-factor'
  | 'rename-factor'
  | 'remove-factor'
  | 'make-recovery-codes'
  | 'passkey-cloned'
  | 'delay-factor-reset'
  | 'begin-factor-reset'
  | 'stop-factor-reset'
  | 'reset-factors'
  | 'change-password'
  | 'change-password-failed'
  | 'block-user'
  | 'unblock-user'
  | 'set-user-access'
  | 'revoke-user-sessions'
  | 'delete-user'
  | 'revoke-everything'
  | 'request-email-verification'
  | 'verify-email'
  | 'request-password-reset'
  | 'reset-password'
  | 'request-email-change'
  | 'change-email'
  | 'restore-email'
  | 'delete-account'
  | 'recover-account'
  | 'one-time-code-failed'
  | 'create-user'
  | 'import-users'
  | 'set-password'
  | 'create-service'
  | 'end-service'
  | 'rotate-keys'
  | 'revoke-key'

/** An event of the audit log, as `onEvent` gets it. It holds no e-mail, password or token. */
export interface AuditEvent {
  /** The number of its row. A higher number is not always a later event. */
  readonly id: string
  /** When its transaction began, by the database's clock. */
  readonly at: Date
  readonly kind: AuditKind
  /** The user who caused the event; null if unknown, and for the operator's commands. */
  readonly actorId: string | null
  /** The user whom it was done to. */
  readonly userId: string | null
  readonly sessionId: string | null
  readonly ipAddress: string | null
  /** For example "Firefox on Linux", from the User-Agent. */
  readonly device: string | null
  /** In words, for people: for example the reason of a block. */
  readonly detail: string | null
}
