/**
 * Remembers tokens whose signature was found right, so that a repeated token costs a look-up instead of 70 µs. Only the
 * signature is remembered: times, binding and versions are checked anew each time, and a verdict is never kept.
 */
export class VerifiedTokens<Claims> {
  /** By the end of the token, which is a short key. The whole token is then compared, so that no other one passes. */
  readonly #remembered = new Map<string, { readonly token: string; readonly claims: Claims }>()
  readonly #limit: number
  #keysVersion = 0

  /** @param limit how many; a token and its claims take about 2 kB */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** @param keysVersion of the present keys: tokens verified under others are forgotten, because a key may be gone */
  get(token: string, keysVersion: number): Claims | undefined {
    if (keysVersion !== this.#keysVersion) {
      this.#remembered.clear()
      this.#keysVersion = keysVersion
      return undefined
    }
    const found = this.#remembered.get(tailOf(token))
    return found?.token === token ? found.claims : undefined
  }

  set(token: string, claims: Claims): void {
    // The oldest is removed first. The next request with that token pays one signature check.
    if (this.#remembered.size >= this.#limit) {
      const [oldest] = this.#remembered.keys()
      if (oldest !== undefined) this.#remembered.delete(oldest)
    }
    this.#remembered.set(tailOf(token), { token, claims })
  }

  delete(token: string): void {
    this.#remembered.delete(tailOf(token))
  }
}

/** 132 bits of the signature: two tokens that were signed never share them. */
function tailOf(token: string): string {
  return token.slice(-22)
}
