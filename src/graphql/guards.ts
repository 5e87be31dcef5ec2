import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
} from 'graphql'
import { referencesOf } from './references.ts'
import {
  type Requirement,
  refuseForeignDirective,
  refuseOnInterface,
  requirementsOf,
  SchemaError,
} from './requirements.ts'

/* What guards what: reads `@auth` from a schema. directive.ts enforces it. */

/** Every guarded place of a schema (`Query.me`, `Vault.__resolveReference`), with all that must hold there. */
export type Guards = ReadonlyMap<string, readonly Requirement[]>

/**
 * Reads what guards each field: the `@auth` of the field's own type, of the field, and of the type that it returns.
 * A requirement that stands in several of these places is listed once.
 *
 * @throws SchemaError with the place of a directive that could not be enforced
 */
export function readGuards(schema: GraphQLSchema): Guards {
  refuseForeignDirective(schema)
  const guards = new Map<string, readonly Requirement[]>()
  const add = (place: string, requirements: readonly Requirement[]) => {
    if (requirements.length > 0) guards.set(place, unique(requirements))
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (isInterfaceType(type)) refuseOnInterface(schema, type)
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    if (referencesOf(type)) add(`${type.name}.__resolveReference`, requirementsOfReference(schema, type))
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields()))
      add(`${type.name}.${field.name}`, [
        ...requirementsOf(schema, type, type.name),
        ...requirementsOf(schema, field, `${type.name}.${field.name}`),
        ...requirementsOfReturned(schema, type, field),
      ])
  }
  return guards
}

/**
 * Without the guard of the returned type, a field would run for anybody, and only the fields of its result would be
 * refused: a mutation would be carried out.
 */
function requirementsOfReturned(
  schema: GraphQLSchema,
  parent: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
): readonly Requirement[] {
  const place = `${parent.name}.${field.name}`
  const returned = getNamedType(field.type)
  // Federation's lookup of any type's objects. Each type's `__resolveReference` and fields are guarded instead.
  if (parent === schema.getQueryType() && field.name === '_entities' && returned.name === '_Entity') return []
  const alike = requirementsOfMembers(schema, returned)
  if (alike) return alike
  if (requirementsOf(schema, field, place).length > 0) return []
  throw new SchemaError(
    `${place} returns ${returned.name}, whose members are guarded differently: ${describeMembers(schema, returned)}. ` +
      'Put @auth on the field.',
  )
}

/** A type's objects are looked up by a gateway through `_entities` and the type's `__resolveReference`. */
function requirementsOfReference(schema: GraphQLSchema, type: GraphQLNamedType): readonly Requirement[] {
  const alike = requirementsOfMembers(schema, type)
  if (alike) return alike
  throw new SchemaError(
    `${type.name}.__resolveReference returns members that are guarded differently: ` +
      `${describeMembers(schema, type)}.`,
  )
}

/** The guard of a type, or of all members of an interface or a union; undefined where they are guarded differently. */
function requirementsOfMembers(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
): readonly Requirement[] | undefined {
  const guards = membersOf(schema, type).map(member => requirementsOf(schema, member, member.name))
  const [first = []] = guards
  return guards.every(guard => keyOfAll(guard) === keyOfAll(first)) ? first : undefined
}

function membersOf(schema: GraphQLSchema, type: GraphQLNamedType): readonly GraphQLNamedType[] {
  return isAbstractType(type) ? schema.getPossibleTypes(type) : [type]
}

function describeMembers(schema: GraphQLSchema, type: GraphQLNamedType): string {
  return membersOf(schema, type)
    .map(member => {
      const guard = requirementsOf(schema, member, member.name).map(describe).join(' ')
      return `${member.name} (${guard || 'not at all'})`
    })
    .join(', ')
}

function describe(requirement: Requirement): string {
  const named = Object.entries(requirement).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  return named.length > 0 ? `@auth(${named.join(', ')})` : '@auth'
}

function unique(requirements: readonly Requirement[]): readonly Requirement[] {
  return [...new Map(requirements.map(requirement => [keyOf(requirement), requirement])).values()]
}

/** The same text for requirements that let the same people pass: the order in a list does not matter. */
function keyOf({ roles, scopes, maxAge }: Requirement): string {
  const sortedScopes = scopes?.map(all => JSON.stringify([...all].sort())).sort()
  return JSON.stringify([roles && [...roles].sort(), sortedScopes, maxAge])
}

function keyOfAll(requirements: readonly Requirement[]): string {
  return requirements.map(keyOf).sort().join()
}
