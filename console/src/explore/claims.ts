/** A part of a JSON Web Token, decoded. */
export type Claims = Readonly<Record<string, unknown>>

export interface DecodedToken {
  readonly header: Claims
  readonly claims: Claims
}

/** Decodes a token for a person to read. Whether the token is genuine is the server's to say. */
export function decode(token: string): DecodedToken {
  const [header = '', claims = ''] = token.split('.')
  return { header: partOf(header), claims: partOf(claims) }
}

function partOf(text: string): Claims {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), character =>
    character.charCodeAt(0),
  )
  return JSON.parse(new TextDecoder().decode(bytes))
}

/** The claims of times: seconds since 1970. */
const times = new Set(['iat', 'exp', 'nbf', 'auth_time'])
const clock = new Intl.DateTimeFormat('en', { timeStyle: 'medium', dateStyle: 'medium' })

/** A claim as a person reads it. */
export function wordOf(name: string, value: unknown): string {
  if (times.has(name) && typeof value === 'number') return clock.format(value * 1000)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The claims that differ, with both values; undefined: the claim is missing. */
export function changesBetween(former: Claims, next: Claims): readonly [string, unknown, unknown][] {
  const names = new Set([...Object.keys(former), ...Object.keys(next)])
  return [...names]
    .filter(name => JSON.stringify(former[name]) !== JSON.stringify(next[name]))
    .map(name => [name, former[name], next[name]])
}
