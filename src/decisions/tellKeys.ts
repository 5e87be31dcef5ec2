import type { Parts } from '../parts.ts'

/**
 * Tells the verifiers which keys verify, and whenever other keys do. So they need no further request, and know a new
 * key long before it signs.
 *
 * @returns a function that ends it
 */
export function tellKeys({
  config,
  keys,
  revocation,
}: Pick<Parts, 'config' | 'keys' | 'revocation'>): () => void {
  const tell = () => revocation.feed.tellKeys(config.issuer, keys.jwks().keys)
  tell()
  return keys.subscribe(tell)
}
