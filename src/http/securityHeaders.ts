import type { FastifyHelmetOptions } from '@fastify/helmet'

/** What a document of Annul may load or do: nothing. */
const nothing = {
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

/**
 * The headers of every answer, for @fastify/helmet: no answer is a document that may load anything, be framed, or be
 * taken for another type.
 *
 * @param ownsHost whether Annul alone answers on its host, so that it may keep browsers to HTTPS there
 */
export function securityHeaders(ownsHost: boolean): FastifyHelmetOptions {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: Object.fromEntries(Object.entries(nothing).map(([name, source]) => [name, [source]])),
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: ownsHost && { maxAge: 31_536_000, includeSubDomains: false },
    // These are about documents of other kinds, and about browsers that are gone.
    dnsPrefetchControl: false,
    ieNoOpen: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false,
  }
}
