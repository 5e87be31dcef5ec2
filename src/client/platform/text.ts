/** In hexadecimal: characters that every storage takes in a value, and the server in an attempt. */
export function hex(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

/** In UTF-8. */
export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The value of a JSON text, as far as the other side keeps to the contract. Undefined where it is no JSON at all. */
export function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
