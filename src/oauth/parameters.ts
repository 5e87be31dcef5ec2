import { invalidRequest } from './oauthError.ts'

/** More than any token, with what stands beside it. */
export const bodyLimitBytes = 16_384

/**
 * The parameters of a form (RFC 6749, appendix B). Unknown ones are left alone, as RFC 6749, 3.2, wants.
 *
 * @throws OAuthError invalid_request for a parameter that is sent twice, and for a secret in the body: bodies are logged
 *   by proxies more often than headers, and RFC 6749, 2.3.1, recommends against it
 */
export function readParameters(body: unknown): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(typeof body === 'string' ? body : '')) {
    if (parameters.has(name)) throw invalidRequest('A parameter is sent more than once.')
    // RFC 6749, 3.2: a parameter without a value is treated as left out.
    if (value !== '') parameters.set(name, value)
  }
  if (parameters.has('client_secret'))
    throw invalidRequest('The secret belongs in the Authorization header, not in the body.')
  return parameters
}

/** @throws OAuthError invalid_request without one */
export function readTokenParameter(body: unknown): string {
  const token = readParameters(body).get('token')
  if (token === undefined) throw invalidRequest('The parameter "token" is missing.')
  return token
}
