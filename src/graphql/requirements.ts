import { getDirective } from '@graphql-tools/utils'
import type { GraphQLInterfaceType, GraphQLSchema } from 'graphql'

/* Reads a single `@auth`, and refuses one that could not be enforced. */

/** The arguments of one `@auth`. */
export interface Requirement {
  readonly roles?: readonly string[]
  readonly scopes?: readonly (readonly string[])[]
  readonly maxAge?: number
}

/** A schema whose `@auth` could not be enforced. Thrown when the schema is built, never during a request. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

/**
 * The `@auth` of one type or field.
 *
 * @param place the name for messages, for example `Query.me`
 * @throws SchemaError for arguments that would let nobody or everybody pass
 */
export function requirementsOf(schema: GraphQLSchema, carrier: unknown, place: string): Requirement[] {
  if (typeof carrier !== 'object' || carrier === null) return []
  const found = readDirective(schema, carrier, place)
  for (const requirement of found) refuseEmpty(requirement, place)
  return found
}

/** graphql's message about an argument's value does not say where the argument stands. */
function readDirective(schema: GraphQLSchema, carrier: object, place: string): Requirement[] {
  try {
    return (getDirective(schema, carrier, 'auth') ?? []) as Requirement[]
  } catch (error) {
    throw new SchemaError(`@auth on ${place}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Refuses empty lists and null, which could be read as "nobody" or as "everybody". */
function refuseEmpty(requirement: Requirement, place: string): void {
  const { roles, scopes, maxAge } = requirement
  const refuse = (what: string) => {
    throw new SchemaError(`@auth on ${place}: ${what}`)
  }
  for (const [name, value] of Object.entries(requirement)) if (value === null) refuse(`"${name}" is null.`)
  if (roles?.length === 0) refuse('"roles" is empty, so nobody could pass.')
  if (scopes?.length === 0) refuse('"scopes" is empty, so nobody could pass.')
  if (scopes?.some(all => all.length === 0))
    refuse('"scopes" has an empty inner list, so everybody would pass.')
  if (maxAge !== undefined && maxAge < 1) refuse('"maxAge" must be at least 1 second.')
}

/**
 * An interface's field is resolved by the types that implement it, and these don't inherit its directives: a guard
 * on the interface would look safe and guard nothing.
 */
export function refuseOnInterface(schema: GraphQLSchema, type: GraphQLInterfaceType): void {
  for (const carrier of [type, ...Object.values(type.getFields())]) {
    const place = carrier === type ? type.name : `${type.name}.${carrier.name}`
    if (requirementsOf(schema, carrier, place).length > 0)
      throw new SchemaError(
        `@auth on ${place}: an interface can't be guarded. Put it on the types that implement it.`,
      )
  }
}

const argumentTypes: Record<string, string> = { roles: '[String!]', scopes: '[[String!]!]', maxAge: 'Int' }

/** Another package's `@auth` (with `roles: [Role!]`, say) has arguments that are not checked here. */
export function refuseForeignDirective(schema: GraphQLSchema): void {
  const directive = schema.getDirective('auth')
  if (!directive) throw new SchemaError('The schema has no directive @auth.')
  for (const { name, type } of directive.args)
    if (argumentTypes[name] !== String(type))
      throw new SchemaError(
        `directive @auth(${name}: ${type}): Annul knows ${name} as ${argumentTypes[name] ?? 'no argument'}.`,
      )
}
