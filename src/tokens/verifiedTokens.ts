/**
 * Remembers tokens whose signature was found right, so that a repeated one costs a look-up instead of 70 µs. Only that:
 * times, binding and versions are looked at anew each time, and a verdict is never remembered.
 */
export class VerifiedTokens<Claims> {
  /** By its end, which is short to look up; the whole text is then compared, so that nothing else passes for it. */
  readonly #remembered = new Map<string, { readonly token: string; readonly claims: Claims }>()
  readonly #limit: number
  #keysVersion = 0

  /** @param limit how many; a token and its claims take about 2 kB */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** @param keysVersion of the keys of now: what was verified under others is forgotten, because a key may be gone */
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
    // Oldest first: who is pushed out pays one signature check.
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
