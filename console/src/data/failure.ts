/** Why an operation has no data: the server's first error, or the lack of an answer. */
export class Failure extends Error {
  override readonly name = 'Failure'
  /** One of the contract's codes, or of GraphQL's own; UNREACHABLE: there was no answer; empty: the browser's refusal. */
  readonly code: string
  readonly reason: string | undefined
  readonly recover: string | undefined
  /** Whether a proof by a second factor is wanted. */
  readonly mfa: boolean
  /** The path of the argument that was refused, such as `input.email`. */
  readonly argument: string | undefined
  /** All that the server said beside the message. */
  readonly extensions: Readonly<Record<string, unknown>>
  /** Seconds. */
  readonly retryAfter: number | undefined
  /** The id under which the server's log has the details. */
  readonly id: string | undefined

  constructor(message: string, extensions: Readonly<Record<string, unknown>> = {}) {
    super(message)
    const text = (name: string) => (typeof extensions[name] === 'string' ? extensions[name] : undefined)
    this.extensions = extensions
    this.code = text('code') ?? 'UNREACHABLE'
    this.reason = text('reason')
    this.recover = text('recover')
    this.mfa = extensions.mfa === true
    this.argument = text('argument')
    this.id = text('id')
    this.retryAfter = typeof extensions.retryAfter === 'number' ? extensions.retryAfter : undefined
  }

  /** Whether the server, its database or the network is down, so that waiting helps. */
  get isOutage(): boolean {
    return this.code === 'UNAVAILABLE' || this.code === 'UNREACHABLE'
  }

  /** Whether the person may not do or read this, or no longer. */
  get isRefusal(): boolean {
    return this.code === 'FORBIDDEN' || this.code === 'UNAUTHENTICATED'
  }
}

/** Whatever was thrown, as a Failure: an error of the client keeps what the server said. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  const { message = '', extensions = {} } = Object(error) as Partial<{
    message: string
    extensions: Readonly<Record<string, unknown>>
  }>
  return new Failure(message, extensions)
}
