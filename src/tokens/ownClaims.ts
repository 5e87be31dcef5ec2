import { isPlainObject } from '../app/plainObject.ts'
import { type AppUser, appUser } from '../app/user.ts'
import type { AccessClaims } from './accessClaims.ts'

/** Annul's own names, each of them: the values mean nothing. */
const annuls: Readonly<Record<keyof AccessClaims, 1>> = {
  ...{ iss: 1, sub: 1, aud: 1, client_id: 1, exp: 1, iat: 1, jti: 1, cnf: 1 },
  ...{ sid: 1, ver: 1, epoch: 1, roles: 1, mfa_roles: 1, scope: 1, auth_time: 1 },
  ...{ amr: 1 },
}
/** With names that RFC 7519 and RFC 9068 give another meaning, and one that would be taken for Annul's. */
export const reservedNames: readonly string[] = [
  ...Object.keys(annuls),
  ...['nbf', 'acr', 'groups', 'entitlements', 'scopes'],
]

const maxBytes = 1000
/** Deeper values are refused, a circle among them. */
const maxDepth = 10

/**
 * An app's own claims of a user's access token, as a copy.
 *
 * @param claims the option; undefined where the app has none
 * @throws Error that names the claim, whatever the app threw: nothing of it is for clients
 */
export function ownClaims(
  claims: ((user: AppUser) => unknown) | undefined,
  user: AppUser,
): Readonly<Record<string, unknown>> | undefined {
  if (claims === undefined) return undefined
  try {
    return read(claims(appUser(user)))
  } catch (error) {
    throw error instanceof ClaimsError ? error : new ClaimsError('threw an error', { cause: error })
  }
}

/** A developer's mistake. No AuthError, which a client would read. */
class ClaimsError extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`The option "claims" ${what}.`, options)
  }
}

function read(made: unknown): Record<string, unknown> {
  if (!isPlainObject(made)) throw new ClaimsError(`returned ${nameOf(made)}, not a plain object`)
  for (const name of Object.keys(made))
    if (reservedNames.includes(name)) throw refused(name, 'has a reserved name')
  const own = copyObject(made, '', 0)
  const bytes = Buffer.byteLength(JSON.stringify(own))
  if (bytes > maxBytes)
    throw new ClaimsError(
      `returned ${bytes} bytes of JSON, and at most ${maxBytes} are allowed; the largest is "${largest(own)}"`,
    )
  return own
}

function largest(own: Record<string, unknown>): string | undefined {
  const sized = Object.entries(own).map(([name, value]) => ({ name, size: JSON.stringify(value).length }))
  return sized.sort((one, other) => other.size - one.size)[0]?.name.slice(0, 100)
}

/** A copy of what JSON can say without loss. */
function copy(value: unknown, path: string, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (Number.isFinite(value)) return value
  if (depth > maxDepth) throw refused(path, `has more than ${maxDepth} levels`)
  if (Array.isArray(value)) return Array.from(value, (item, at) => copy(item, `${path}[${at}]`, depth + 1))
  if (isPlainObject(value)) return copyObject(value, `${path}.`, depth + 1)
  throw refused(path, `is ${nameOf(value)}, which JSON has not`)
}

function copyObject(value: object, prefix: string, depth: number): Record<string, unknown> {
  const entries = Object.entries(value).map(([name, inner]) => {
    if (name === '__proto__') throw refused(prefix + name, 'has a name that is refused')
    return [name, copy(inner, prefix + name, depth)] as const
  })
  return Object.fromEntries(entries)
}

function refused(path: string, why: string): ClaimsError {
  return new ClaimsError(`returned a claim "${path.slice(0, 100)}" that ${why}`)
}

/** The kind of a value, without the value. */
function nameOf(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (value == null) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  if (typeof Reflect.get(value, 'then') === 'function') {
    // Refused in any case: its own rejection, which nobody awaits, must not end the process.
    Promise.resolve(value).catch(() => {})
    return 'a promise'
  }
  return Array.isArray(value) ? 'a list' : `a ${value.constructor?.name || 'foreign object'}`
}
