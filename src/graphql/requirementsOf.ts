import { getDirective, getDirectiveInExtensions } from '@graphql-tools/utils'
import type { GraphQLSchema } from 'graphql'
import { defaultDirective, directiveNameOf } from './directiveName.ts'
import { argumentTypes, checkRequirement, type Requirement, SchemaError } from './requirements.ts'

/* Reads the guards of a single type or field: its `@auth`, and its `extensions.auth`, which means the same. */

/** Whatever can carry a guard: a type, a field, and by mistake an argument, a value, the schema itself. */
export type Carrier = Parameters<typeof getDirectiveInExtensions>[0]

/**
 * The guards of one type or field. All of them hold.
 *
 * @param place the name for messages, for example `Query.me`
 * @throws SchemaError for arguments that could not be enforced
 */
export function requirementsOf(schema: GraphQLSchema, carrier: Carrier, place: string): Requirement[] {
  const name = directiveNameOf(schema)
  const written = readDirective(schema, carrier, name, place).map(value =>
    checkRequirement(value, `@${name} on ${place}`),
  )
  if (!hasExtension(carrier)) return written
  const value = carrier.extensions?.[defaultDirective]
  return [...written, checkRequirement(value === true ? {} : value, `${extensionName} on ${place}`)]
}

/** The name of the first guard that a carrier has: `@auth` or `extensions.auth`. */
export function guardNameOn(schema: GraphQLSchema, carrier: Carrier): string | undefined {
  if (hasExtension(carrier)) return extensionName
  const name = directiveNameOf(schema)
  return getDirectiveInExtensions(carrier, name) === undefined ? undefined : `@${name}`
}

const extensionName = `extensions.${defaultDirective}`

function hasExtension(carrier: Carrier): boolean {
  return Object.hasOwn(carrier.extensions ?? {}, defaultDirective)
}

/** graphql's message about an argument's value does not say where the argument stands. */
function readDirective(schema: GraphQLSchema, carrier: Carrier, name: string, place: string): unknown[] {
  try {
    return getDirective(schema, carrier, name) ?? []
  } catch (error) {
    throw new SchemaError(`@${name} on ${place}: ${error instanceof Error ? error.message : error}`)
  }
}

/**
 * Another package's `@auth` (with `roles: [Role!]`, say) has arguments that are not checked here.
 *
 * @throws SchemaError with the argument
 */
export function refuseForeignDirective(schema: GraphQLSchema): void {
  const name = directiveNameOf(schema)
  for (const argument of schema.getDirective(name)?.args ?? [])
    if (argumentTypes[argument.name] !== String(argument.type))
      throw new SchemaError(
        `directive @${name}(${argument.name}: ${argument.type}): ` +
          `Annul knows ${argument.name} as ${argumentTypes[argument.name] ?? 'no argument'}. ` +
          `To keep that directive, call Annul's otherwise: rename: { directive: 'requires' }`,
      )
}
