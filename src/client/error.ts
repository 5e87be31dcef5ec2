import type { Code, FactorMethod, Recover } from '../errors.ts'

/** What the server says beside the message. An error has only what its code brings. */
export interface ErrorExtensions {
  /** The path of the argument that is wrong, for example `input.email`. */
  readonly argument?: string
  /** Seconds until another try makes sense. */
  readonly retryAfter?: number
  /** Seconds within which the user must have proved who they are. */
  readonly maxAge?: number
  /** Whether a second factor is wanted. */
  readonly mfa?: boolean
  /** For `completeLogin`: good for 5 minutes, and used once. */
  readonly challenge?: string
  /** The second factors that the account has. */
  readonly methods?: readonly FactorMethod[]
  readonly [name: string]: unknown
}

/**
 * What the session's methods throw: the server's error, or UNAVAILABLE where there was no answer.
 *
 * @example
 * try {
 *   await session.login({ email, password })
 * } catch (error) {
 *   if (error instanceof SessionError && error.code === 'INVALID_CREDENTIALS') form.show(error.message)
 *   else throw error
 * }
 */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  /** The class of failure, as the contract lists them, or one of GraphQL's own such as GRAPHQL_VALIDATION_FAILED. */
  declare readonly code: Code | (string & {})
  /** The detail, where there is one: EMAIL_TAKEN, PASSWORD_TOO_SHORT, … */
  declare readonly reason: string | undefined
  /** What to do next. RETRY: nothing is lost, try later. */
  declare readonly recover: Recover | undefined
  /** All extensions of the server's error: `argument`, `challenge`, `maxAge`, `required`, … */
  declare readonly extensions: ErrorExtensions
  /** Seconds after which another try makes sense (0: any time). Undefined where a second try is useless or harmful. */
  declare readonly retryAfter: number | undefined

  constructor(message: string, extensions: Record<string, unknown>, retryAfter?: number, cause?: unknown) {
    super(message, { cause })
    this.code = String(extensions.code)
    this.reason = extensions.reason as string | undefined
    this.recover = extensions.recover as Recover | undefined
    this.extensions = extensions
    this.retryAfter = retryAfter
  }
}

/**
 * There was no answer, or none that can be understood. The session is not affected.
 *
 * @param hint a possible cause, which follows the message and begins with a space
 */
export function unreachable(cause: unknown, retryAfter?: number, hint = ''): SessionError {
  const message = `The service cannot be reached. Please try again.${hint}`
  return new SessionError(message, { code: 'UNAVAILABLE', recover: 'RETRY' }, retryAfter, cause)
}
