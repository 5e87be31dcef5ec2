/** Bytes in hexadecimal: every storage accepts these characters in a value, and the server in an attempt. */
export function hex(bytes: Uint8Array): string {
  return bytes.reduce((text, byte) => text + (byte + 256).toString(16).slice(1), '')
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
