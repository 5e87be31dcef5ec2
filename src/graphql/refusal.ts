import type { GraphQLFormattedError } from 'graphql'

/*
 * The HTTP status of a finished answer. It is known only when the answer is complete, because it depends on whether
 * there is data beside the errors. Imports nothing of the house, so that a gateway uses it too.
 */

/** A status other than 200, with its header. */
export interface Refusal {
  readonly status: 401 | 429 | 503
  /** The header's name and value. */
  readonly header: readonly [name: 'www-authenticate' | 'retry-after', value: string]
}

/**
 * How HTTP says what the errors of an answer say.
 *
 * @param data of the answer
 * @param errors formatted (formatErrors.ts)
 * @returns undefined for an answer that goes out as it is: it has data, or errors of another kind or of several kinds
 */
export function refusalOf(
  data: unknown,
  errors: readonly GraphQLFormattedError[] | undefined,
): Refusal | undefined {
  if (!errors?.length) return undefined
  switch (overallCode(data, errors)) {
    case 'UNAUTHENTICATED':
      return { status: 401, header: ['www-authenticate', challenge(errors[0])] }
    case 'UNAVAILABLE':
      return { status: 503, header: ['retry-after', retryAfter(errors)] }
    case 'TOO_MANY_REQUESTS':
      return { status: 429, header: ['retry-after', retryAfter(errors)] }
    default:
      return undefined
  }
}

/** The code of all errors of an answer that has no data. Undefined: there is data, or the codes differ. */
function overallCode(data: unknown, errors: readonly GraphQLFormattedError[]): string | undefined {
  const answered = data != null && Object.values(data).some(value => value !== null)
  const codes = new Set(errors.map(error => String(error.extensions?.code)))
  return !answered && codes.size === 1 ? [...codes][0] : undefined
}

function retryAfter(errors: readonly GraphQLFormattedError[]): string {
  return String(Math.max(...errors.map(error => Number(error.extensions?.retryAfter) || 1)))
}

/** A request without a token is told the scheme and no error code (RFC 6750, 3). */
function challenge(error: GraphQLFormattedError | undefined): string {
  if (error?.extensions?.reason === 'TOKEN_MISSING') return 'Bearer realm="annul"'
  return `Bearer realm="annul", error="invalid_token", error_description="${describe(error?.message)}"`
}

/** Without what the header may not hold (RFC 6750, 3): an app's own error may say anything. */
function describe(message = ''): string {
  return message.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '')
}
