/* How a signed token is spelt (RFC 7515, 7.1): three parts in base64url. Nothing is verified here. */

/** A member of a token's header or claims may be anything. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The header of a token that is spelt as it should be.
 *
 * @param maxBytes longer tokens are refused unread
 */
export function readHeader(token: string, maxBytes: number): JsonObject | undefined {
  // In bytes, too: a token with characters of several bytes is no base64url, and is refused below.
  if (token.length > maxBytes) return undefined
  const parts = token.split('.')
  if (parts.length !== 3 || !parts.every(isCanonical)) return undefined
  return parseObject(decode(parts[0]))
}

/** The claims of a token whose header was read, before its signature is checked. */
export function readUnverifiedClaims(token: string): JsonObject | undefined {
  return parseObject(decode(token.split('.')[1]))
}

/** base64url has several spellings of the same bytes; only the canonical one is accepted. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part
}

function decode(part = ''): string {
  return Buffer.from(part, 'base64url').toString()
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
