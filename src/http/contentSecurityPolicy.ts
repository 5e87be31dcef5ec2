/** What a document of Annul may load or do: nothing. */
export const nothing = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/**
 * A Content-Security-Policy that allows nothing but what is given. A route that needs more than the policy of all
 * answers replaces it by a header of its own.
 *
 * @example
 * reply.header('content-security-policy', contentSecurityPolicy({ 'form-action': "'self'" }))
 */
export function contentSecurityPolicy(allowed: Readonly<Record<string, string>> = {}): string {
  const { 'default-src': byDefault, ...others } = nothing
  return Object.entries({ 'default-src': byDefault, ...allowed, ...others, ...allowed })
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; ')
}
