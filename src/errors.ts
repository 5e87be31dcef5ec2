/**
 * The one table of what can go wrong and what a client is told. `code` is the class of failure, `reason` the detail,
 * `recover` what the client does next. Messages are public: none names a secret, a query or another user.
 */

export type Recover = 'LOGIN' | 'REFRESH' | 'REAUTHENTICATE' | 'SECOND_FACTOR' | 'RETRY'

/** Why an access token is refused, with what the client does about it. */
const refusals = {
  TOKEN_MISSING: { recover: 'LOGIN', message: 'You are not signed in.' },
  TOKEN_INVALID: { recover: 'LOGIN', message: 'The token is not valid.' },
  TOKEN_EXPIRED: { recover: 'REFRESH', message: 'The access token has expired.' },
  ACCESS_CHANGED: { recover: 'REFRESH', message: 'Your roles or scopes have changed.' },
  LOGGED_OUT: { recover: 'LOGIN', message: 'This session was logged out.' },
  SESSION_REVOKED: { recover: 'LOGIN', message: 'This session was revoked.' },
  SESSIONS_REVOKED: { recover: 'LOGIN', message: 'The sessions of this account were revoked.' },
  PASSWORD_CHANGED: { recover: 'LOGIN', message: 'The password of this account was changed.' },
  USER_BLOCKED: { recover: 'LOGIN', message: 'This account was blocked.' },
  USER_DELETED: { recover: 'LOGIN', message: 'This account was deleted.' },
  REFRESH_REUSED: { recover: 'LOGIN', message: 'A refresh token was used twice, so its session was ended.' },
  ACCOUNT_RECOVERED: { recover: 'LOGIN', message: 'This account was recovered by an admin.' },
  FACTOR_REMOVED: { recover: 'LOGIN', message: 'A factor that this session was opened with was removed.' },
  EVERYTHING_REVOKED: { recover: 'LOGIN', message: 'All sessions of this server were revoked.' },
  KEY_REVOKED: { recover: 'LOGIN', message: 'The key that signed this token was revoked.' },
  SESSION_EXPIRED: { recover: 'LOGIN', message: 'This session has expired.' },
} as const satisfies Record<string, { recover: Recover; message: string }>

export type Reason = keyof typeof refusals

/** The reasons that end a session or kill its access tokens: what is written to the log of revocations. */
export type RevocationReason = Exclude<
  Reason,
  'TOKEN_MISSING' | 'TOKEN_INVALID' | 'TOKEN_EXPIRED' | 'SESSION_EXPIRED'
>

/** Whether a text is a reason that this version knows. */
export function isReason(value: string): value is Reason {
  return Object.hasOwn(refusals, value)
}

/** A reason as the database holds it. One that is missing or of a later version still refuses. */
export function storedReason(value: string | null): Reason {
  return value !== null && isReason(value) ? value : 'SESSION_REVOKED'
}

export type Code =
  | 'UNAUTHENTICATED'
  | 'INVALID_CREDENTIALS'
  | 'INVALID_REFRESH_TOKEN'
  | 'SECOND_FACTOR_REQUIRED'
  | 'REAUTHENTICATION_REQUIRED'
  | 'FORBIDDEN'
  | 'BAD_USER_INPUT'
  | 'NOT_FOUND'
  | 'ORIGIN_NOT_ALLOWED'
  | 'TOO_MANY_REQUESTS'
  | 'UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR'

/**
 * An error whose every part may reach a client: `code`, and in `details` what the contract puts beside it
 * (`reason`, `recover`, `argument`, `retryAfter`, …). Anything else that is thrown becomes INTERNAL_SERVER_ERROR.
 */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: Code
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: Code, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.code = code
    this.details = details
  }

  /** What a client is told beside the message. Any server of GraphQL sends it, as it does for every error that has some. */
  get extensions(): Readonly<Record<string, unknown>> {
    return { code: this.code, ...this.details }
  }

  get reason(): string | undefined {
    return typeof this.details.reason === 'string' ? this.details.reason : undefined
  }
}

/** An access token, or its absence, was refused. */
export function unauthenticated(reason: Reason): AuthError {
  const { message, recover } = refusals[reason]
  return new AuthError('UNAUTHENTICATED', message, { reason, recover })
}

/** A refresh token was refused. TOKEN_STALE: its holder has a newer one ("read your storage again"). */
export function invalidRefreshToken(reason: Reason | 'TOKEN_STALE', message?: string): AuthError {
  if (reason === 'TOKEN_STALE')
    return new AuthError('INVALID_REFRESH_TOKEN', message ?? 'A newer refresh token was issued to you.', {
      reason,
      recover: 'REFRESH',
    })
  const fallback = reason === 'TOKEN_MISSING' ? 'There is no refresh token.' : refusals[reason].message
  return new AuthError('INVALID_REFRESH_TOKEN', message ?? fallback, { reason, recover: 'LOGIN' })
}

/** Unknown user, wrong password and blocked user: one answer, so that it tells nothing about accounts. */
export function invalidCredentials(): AuthError {
  return new AuthError('INVALID_CREDENTIALS', 'The e-mail or the password is wrong.')
}

/** @param argument the path of the argument, for example `input.email` */
export function badUserInput(argument: string, reason: string, message: string): AuthError {
  return new AuthError('BAD_USER_INPUT', message, { argument, reason })
}

export function forbidden(required: {
  roles?: readonly string[]
  scopes?: readonly (readonly string[])[]
}): AuthError {
  return new AuthError('FORBIDDEN', 'You may not do this.', { required })
}

/** A proof by a second factor that a login, or a reset of a password, still needs. */
export type FactorMethod = 'PASSKEY' | 'TOTP' | 'RECOVERY_CODE'

/**
 * The password, or the link for a new one, was right, and a second factor is wanted.
 *
 * @param challenge for `completeLogin`: good for 5 minutes, and used once
 */
export function secondFactorRequired(challenge: string, methods: readonly FactorMethod[]): AuthError {
  return new AuthError('SECOND_FACTOR_REQUIRED', 'Please confirm with a second factor.', {
    challenge,
    methods,
    recover: 'SECOND_FACTOR',
  })
}

/**
 * @param wanted.maxAge seconds within which the user must have proved who they are
 * @param wanted.mfa whether a second factor is wanted
 */
export function reauthenticationRequired(wanted: { maxAge?: number; mfa?: boolean }): AuthError {
  const { maxAge, mfa = false } = wanted
  return new AuthError(
    'REAUTHENTICATION_REQUIRED',
    mfa ? 'Please confirm with a second factor first.' : 'Please confirm your password first.',
    { ...(maxAge !== undefined && { maxAge }), ...(mfa && { mfa }), recover: 'REAUTHENTICATE' },
  )
}

/** The sender has no session that could be changed: the token is one of the system before Annul. */
export function sessionRequired(): AuthError {
  return new AuthError(
    'REAUTHENTICATION_REQUIRED',
    'Please sign in again first: this token has no session.',
    {
      maxAge: 0,
      recover: 'REAUTHENTICATE',
    },
  )
}

/** For admins only: other users learn nothing about ids. */
export function notFound(what: string): AuthError {
  return new AuthError('NOT_FOUND', `There is no such ${what}.`)
}

export function originNotAllowed(): AuthError {
  return new AuthError('ORIGIN_NOT_ALLOWED', 'The cookie may not be used from this origin.')
}

/** @param retryAfter seconds */
export function tooManyRequests(retryAfter: number): AuthError {
  return new AuthError('TOO_MANY_REQUESTS', 'Too many requests. Please try again later.', {
    retryAfter,
    recover: 'RETRY',
  })
}

/** The database does not answer: an outage, which neither signs anybody out nor lets anybody in. */
export function unavailable(retryAfter = 1): AuthError {
  return new AuthError('UNAVAILABLE', 'The service cannot answer right now. Please try again.', {
    retryAfter,
    recover: 'RETRY',
  })
}
