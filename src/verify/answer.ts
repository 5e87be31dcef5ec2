import type { AuthError } from '../errors.ts'

/** What a refused request is answered with. */
export interface Refusal {
  readonly status: 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: {
    readonly errors: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[]
  }
}

/** As an auth node answers, and as RFC 6750, 3, says. */
export function refusalOf({ code, message, details, extensions }: AuthError): Refusal {
  const body = { errors: [{ message, extensions }] }
  const headers = { 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' }
  switch (code) {
    case 'UNAUTHENTICATED':
      return { status: 401, headers: { ...headers, 'www-authenticate': challenge(message, details) }, body }
    case 'UNAVAILABLE':
      return { status: 503, headers: { ...headers, 'retry-after': String(details.retryAfter) }, body }
    default:
      return { status: 403, headers, body }
  }
}

/** A request without a token is told the scheme and no error code. The messages have no character to be escaped. */
function challenge(message: string, { reason }: AuthError['details']): string {
  if (reason === 'TOKEN_MISSING') return 'Bearer realm="annul"'
  return `Bearer realm="annul", error="invalid_token", error_description="${message}"`
}
