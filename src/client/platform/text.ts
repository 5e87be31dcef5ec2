/** Bytes in hexadecimal: every storage accepts these characters in a value, and the server in an attempt. */
export function hex(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

/** A text's bytes in UTF-8. */
export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The value of a JSON text; its type is the caller's claim and is not checked. Undefined where the text is no JSON. */
export function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
