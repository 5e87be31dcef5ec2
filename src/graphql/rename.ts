import { type DocumentNode, specifiedDirectives, specifiedScalarTypes } from 'graphql'
import { nearest } from '../names.ts'
import { fieldsOf, rootTypes, typesOf } from './contract.ts'
import { defaultDirective } from './directiveName.ts'

/* Other names for what Annul has in the schema, for an app whose schema has these names already. */

/** Annul's own names, and what they become. An app's own names stay as they are. */
export interface Rename {
  /** Types, by Annul's name: `{ User: 'Account' }`. Query, Mutation and Subscription keep their names. */
  readonly types?: Readonly<Record<string, string>>
  /** What `@auth` becomes, without the `@`. */
  readonly directive?: string
  /** Fields of object types, by Annul's names: `{ 'Query.me': 'viewer' }`. */
  readonly fields?: Readonly<Record<string, string>>
}

/** A Rename that was checked: no two things get one name. */
export interface CheckedRename {
  readonly types: ReadonlyMap<string, string>
  readonly directive: string
  /** By Annul's names: `Query.me`. */
  readonly fields: ReadonlyMap<string, string>
}

/** What `annul/client` reads of an answer. */
const readByClient = [
  ...['accessToken', 'tokenType', 'expiresIn', 'refreshToken', 'session', 'user'].map(
    name => `Tokens.${name}`,
  ),
  ...['id', 'email', 'emailVerified', 'roles', 'scopes'].map(name => `User.${name}`),
  'Session.id',
  ...['id', 'options'].map(name => `PasskeyChallenge.${name}`),
  ...['factor', 'recoveryCodes'].map(name => `FactorConfirmed.${name}`),
  ...['id', 'kind', 'name', 'createdAt', 'lastUsedAt'].map(name => `Factor.${name}`),
]

/**
 * @param rename what the developer wrote, of any type
 * @throws TypeError that names the option, for an unknown name and for a new name that can't be had
 */
export function checkRename(contract: readonly DocumentNode[], rename: unknown = {}): CheckedRename {
  const given = recordOf('rename', rename)
  const options = ['types', 'directive', 'fields']
  for (const name of Object.keys(given))
    if (!options.includes(name))
      throw new TypeError(
        `rename.${name} is no option. The nearest name is rename.${nearest(name, options)}.`,
      )
  const { types, directive, fields } = given
  return {
    types: checkTypes(contract, types === undefined ? {} : recordOf('rename.types', types)),
    directive: checkDirective(directive),
    fields: checkFields(contract, fields === undefined ? {} : recordOf('rename.fields', fields)),
  }
}

function checkTypes(contract: readonly DocumentNode[], given: Record<string, unknown>): Map<string, string> {
  const known = typesOf(contract)
  const renamable = known.filter(name => !rootTypes.includes(name))
  const renamed = readNames('rename.types', given, name => {
    if (rootTypes.includes(name))
      return `the type "${name}" keeps its name, because an app's fields go there too`
    return renamable.includes(name)
      ? undefined
      : `Annul has no type "${name}". The nearest name is "${nearest(name, renamable)}"`
  })
  const builtIn = specifiedScalarTypes.map(({ name }) => name)
  refuseClash('rename.types', 'a type', known, renamed, builtIn)
  return renamed
}

function checkDirective(given: unknown): string {
  if (given === undefined) return defaultDirective
  const name = checkName('rename.directive', given)
  if (specifiedDirectives.some(directive => directive.name === name))
    throw new TypeError(`rename.directive: "@${name}" is a directive of GraphQL's own.`)
  return name
}

function checkFields(contract: readonly DocumentNode[], given: Record<string, unknown>): Map<string, string> {
  const known = fieldsOf(contract)
  const renamed = readNames('rename.fields', given, name => {
    if (readByClient.includes(name)) return `"${name}" keeps its name, because clients read it`
    return known.includes(name)
      ? undefined
      : `Annul has no field "${name}". The nearest name is "${nearestField(name, known)}"`
  })
  const inPlace = [...renamed].map(([name, renamedTo]): [string, string] => [
    name,
    `${typeOf(name)}.${renamedTo}`,
  ])
  refuseClash('rename.fields', 'a field', known, new Map(inPlace), [])
  return renamed
}

/** Where only the type is wrong or missing, the field of that name. */
function nearestField(field: string, known: readonly string[]): string | undefined {
  const name = field.slice(field.indexOf('.') + 1)
  return known.find(candidate => candidate.endsWith(`.${name}`)) ?? nearest(field, known)
}

/** @param refuse tells why a name can't be renamed */
function readNames(
  option: string,
  given: Record<string, unknown>,
  refuse: (name: string) => string | undefined,
): Map<string, string> {
  return new Map(
    Object.entries(given).map(([name, renamedTo]): [string, string] => {
      const why = refuse(name)
      if (why !== undefined) throw new TypeError(`${option}: ${why}.`)
      return [name, checkName(`${option}["${name}"]`, renamedTo)]
    }),
  )
}

/** After all of them: so two types may swap their names. */
function refuseClash(
  option: string,
  kind: string,
  known: readonly string[],
  renamed: ReadonlyMap<string, string>,
  taken: readonly string[],
): void {
  const holders = new Map<string, string>(taken.map(name => [name, 'GraphQL itself']))
  for (const name of known) if (!renamed.has(name)) holders.set(name, 'Annul')
  for (const [name, renamedTo] of renamed) {
    const holder = holders.get(renamedTo)
    if (holder !== undefined)
      throw new TypeError(`${option}["${name}"]: ${holder} has ${kind} "${renamedTo}" already.`)
    holders.set(renamedTo, `${option}["${name}"]`)
  }
}

function checkName(option: string, name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`${option} must be a text, not ${typeof name}.`)
  if (!/^(?!__)[_A-Za-z]\w*$/.test(name))
    throw new TypeError(
      `${option}: ${JSON.stringify(name)} is no name in GraphQL: letters, digits and _, without a digit or __ in front.`,
    )
  return name
}

function recordOf(option: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new TypeError(
    `${option} must be an object of names, not ${Array.isArray(value) ? 'a list' : typeof value}.`,
  )
}

function typeOf(field: string): string {
  return field.slice(0, field.indexOf('.'))
}
