import type { Parts } from '../parts.ts'

/** How often the keys are compared with what the verifiers were told, in milliseconds. */
const lookMs = 1000

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
  let told: number | undefined
  const look = () => {
    if (told === keys.version) return
    told = keys.version
    revocation.feed.tellKeys(config.issuer, keys.jwks().keys)
  }
  look()
  const timer = setInterval(look, lookMs).unref()
  return () => clearInterval(timer)
}
