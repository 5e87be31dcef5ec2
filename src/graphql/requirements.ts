import { isPlainObject } from '../app/plainObject.ts'
import { nearest } from '../names.ts'

/* Checks the arguments of one guard, whose types nothing else has checked: `extensions` are plain JavaScript. */

/** The arguments of one `@auth`. */
export interface Requirement {
  readonly roles?: readonly string[]
  readonly scopes?: readonly (readonly string[])[]
  readonly maxAge?: number
  readonly mfa?: boolean
}

/** A schema whose `@auth` could not be enforced. Thrown when the schema is built, never during a request. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

export const argumentTypes: Readonly<Record<string, string>> = {
  roles: '[String!]',
  scopes: '[[String!]!]',
  maxAge: 'Int',
  mfa: 'Boolean',
}

/**
 * Copies the arguments, so that nothing that the app changes later changes the guard.
 *
 * @param guard what the arguments belong to, for messages: `@auth on Query.me`
 * @throws SchemaError for arguments of another type, and for those that would let nobody or everybody pass
 */
export function checkRequirement(value: unknown, guard: string): Requirement {
  const refuse = (what: string): never => {
    throw new SchemaError(`${guard}: ${what}`)
  }
  // A Map, say, has no keys of its own, and would count as "any live session".
  if (!isPlainObject(value))
    return refuse(`must be true, or an object such as { roles: ["admin"] }, not ${kindOf(value)}.`)
  const names = Object.keys(argumentTypes)
  for (const name of Reflect.ownKeys(value)) {
    if (!names.includes(String(name)))
      refuse(`there is no argument "${String(name)}". The nearest name is "${nearest(String(name), names)}".`)
    // An undefined value is a mistyped variable, most likely. Left out, it would let more people pass than it should.
    const given: unknown = Reflect.get(value, name)
    if (given == null) refuse(`"${String(name)}" is ${given}.`)
  }
  return {
    ...('roles' in value && { roles: rolesOf(value.roles, refuse) }),
    ...('scopes' in value && { scopes: scopesOf(value.scopes, refuse) }),
    ...('maxAge' in value && { maxAge: maxAgeOf(value.maxAge, refuse) }),
    ...('mfa' in value && { mfa: mfaOf(value.mfa, refuse) }),
  }
}

type Refuse = (what: string) => never

function rolesOf(roles: unknown, refuse: Refuse): readonly string[] {
  if (typeof roles === 'string') return refuse(`"roles" is a text: write [${JSON.stringify(roles)}].`)
  if (!isTexts(roles)) return refuse('"roles" must be a list of texts, such as ["admin"].')
  if (roles.length === 0) return refuse('"roles" is empty, so nobody could pass.')
  return [...roles]
}

function scopesOf(scopes: unknown, refuse: Refuse): readonly (readonly string[])[] {
  if (typeof scopes === 'string') return refuse(`"scopes" is a text: write [[${JSON.stringify(scopes)}]].`)
  if (!Array.isArray(scopes)) return refuse('"scopes" must be a list of lists of texts, such as [["read"]].')
  if (scopes.length === 0) return refuse('"scopes" is empty, so nobody could pass.')
  if (isTexts(scopes)) {
    const texts = scopes.map(scope => JSON.stringify(scope))
    return refuse(
      `"scopes" is a list of texts: write [[${texts.join(', ')}]] where all are needed, ` +
        `and [${texts.map(text => `[${text}]`).join(', ')}] where one is enough.`,
    )
  }
  // Spread, because `map` would pass over the holes of a list.
  return [...scopes].map((all: unknown) => {
    if (!isTexts(all)) return refuse('"scopes" must be a list of lists of texts, such as [["read"]].')
    if (all.length === 0) return refuse('"scopes" has an empty inner list, so everybody would pass.')
    return [...all]
  })
}

function maxAgeOf(maxAge: unknown, refuse: Refuse): number {
  if (typeof maxAge !== 'number' || !Number.isInteger(maxAge))
    return refuse(`"maxAge" must be a whole number of seconds, such as 300.`)
  if (maxAge < 1) refuse('"maxAge" must be at least 1 second.')
  return maxAge
}

function mfaOf(mfa: unknown, refuse: Refuse): boolean {
  if (typeof mfa !== 'boolean') return refuse('"mfa" must be true or false.')
  return mfa
}

/** Spread, because `every` would pass over the holes of a list. */
function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && [...value].every(item => typeof item === 'string')
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null || value === false) return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return `the text ${JSON.stringify(value)}`
  return typeof value === 'object' ? 'an object of a class' : `a ${typeof value}`
}
