/** The codes of RFC 6749, 5.2, RFC 6750, 3.1, and RFC 7009, 2.2.1, that are used here. */
export type OAuthCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'insufficient_scope'
  | 'unsupported_token_type'
  | 'temporarily_unavailable'
  | 'server_error'

/** An answer that a client of these protocols gets in place of a result. Every part is public. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly status: number
  readonly code: OAuthCode
  /** For the header `retry-after`, in seconds. */
  readonly retryAfter: number | undefined

  constructor(status: number, code: OAuthCode, description: string, retryAfter?: number) {
    super(description)
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }

  /**
   * For the header `www-authenticate`: the same two challenges, whatever was sent, so that a refusal tells nothing about
   * the credentials.
   */
  get challenge(): string | undefined {
    if (this.code === 'invalid_client') return 'Basic realm="annul", charset="UTF-8", Bearer realm="annul"'
    if (this.code === 'insufficient_scope') return 'Bearer realm="annul", error="insufficient_scope"'
    return undefined
  }
}

export function invalidRequest(description: string, status = 400): OAuthError {
  return new OAuthError(status, 'invalid_request', description)
}

/** No credentials, or wrong ones: one answer for an unknown name, a wrong secret and an ended one. */
export function invalidClient(): OAuthError {
  return new OAuthError(
    401,
    'invalid_client',
    "A service's secret is needed: as a Bearer token, or by Basic with the service's name.",
  )
}
