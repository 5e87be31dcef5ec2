import type { Parts } from '../parts.ts'

/** Where the endpoints are, from the base that everything of Annul stands under. */
export const oauthPaths = {
  introspect: '/oauth/introspect',
  revoke: '/oauth/revoke',
  globalRevoke: '/oauth/global-token-revocation',
} as const

/** Both by the Authorization header; `Bearer` is a name of the registry of token types, as RFC 8414, 2, allows. */
const serviceMethods = ['client_secret_basic', 'Bearer']

/**
 * The authorization server's metadata (RFC 8414, 2). Users sign in by GraphQL, so there is neither an authorization nor
 * a token endpoint: the list of response types, which RFC 8414 wants, is empty.
 *
 * @param base without a slash at its end
 */
export function metadataOf(
  { config, keys }: Pick<Parts, 'config' | 'keys'>,
  base: string,
): Readonly<Record<string, unknown>> {
  return {
    issuer: config.issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: [],
    introspection_endpoint: base + oauthPaths.introspect,
    introspection_endpoint_auth_methods_supported: serviceMethods,
    revocation_endpoint: base + oauthPaths.revoke,
    // `none`: whoever has the refresh token. RFC 8414 has no name here for a Bearer token, which is taken as well.
    revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
    global_token_revocation_endpoint: base + oauthPaths.globalRevoke,
    global_token_revocation_endpoint_auth_methods_supported: serviceMethods,
    // No registered name tells how access tokens are signed.
    annul_access_token_signing_alg_values_supported: [...new Set(keys.jwks().keys.map(({ alg }) => alg))],
  }
}
