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
import { directiveNameOf } from './directiveName.ts'
import { refuseMisplaced } from './misplaced.ts'
import { referencesOf } from './references.ts'
import { type Requirement, SchemaError } from './requirements.ts'
import { refuseForeignDirective, requirementsOf } from './requirementsOf.ts'

/* Reads from a schema which `@auth` or `extensions.auth` guards which field. directive.ts enforces what is read here. */

/** The guarded places of a schema (`Query.me`, `Vault.__resolveReference`), each with all requirements that must hold. */
export type Guards = ReadonlyMap<string, readonly Requirement[]>

/**
 * Reads what guards each field: the `@auth` of the type that has the field, of the field itself, and of the type that it
 * returns. A requirement that occurs several times is listed once.
 *
 * @throws SchemaError with the place of a directive that could not be enforced
 */
export function readGuards(schema: GraphQLSchema): Guards {
  refuseForeignDirective(schema)
  refuseMisplaced(schema)
  const guards = new Map<string, readonly Requirement[]>()
  const add = (place: string, requirements: readonly Requirement[]) => {
    if (requirements.length > 0) guards.set(place, unique(requirements))
  }
  for (const type of Object.values(schema.getTypeMap())) {
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
  if (guards.size === 0 && !schema.getDirective(directiveNameOf(schema)))
    throw new SchemaError(
      `The schema has no directive @${directiveNameOf(schema)}, and no extensions.auth: it guards nothing.`,
    )
  return guards
}

/**
 * The guard of the type that a field returns. Without it the field's resolver would run for anybody, and only the fields
 * of its result would be refused: a mutation would be carried out.
 */
function requirementsOfReturned(
  schema: GraphQLSchema,
  parent: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
): readonly Requirement[] {
  const place = `${parent.name}.${field.name}`
  const returned = getNamedType(field.type)
  // Federation's lookup of objects of any type. Each type's `__resolveReference` and fields are guarded instead.
  if (parent === schema.getQueryType() && field.name === '_entities' && returned.name === '_Entity') return []
  const alike = requirementsOfMembers(schema, returned)
  if (alike) return alike
  if (requirementsOf(schema, field, place).length > 0) return []
  throw new SchemaError(
    `${place} returns ${returned.name}, whose members are guarded differently: ${describeMembers(schema, returned)}. ` +
      'Put @auth on the field.',
  )
}

/** The guard of a type's `__resolveReference`, by which a gateway looks up the type's objects. */
function requirementsOfReference(schema: GraphQLSchema, type: GraphQLNamedType): readonly Requirement[] {
  const alike = requirementsOfMembers(schema, type)
  if (alike) return alike
  throw new SchemaError(
    `${type.name}.__resolveReference returns members that are guarded differently: ` +
      `${describeMembers(schema, type)}.`,
  )
}

/** The guard of a type, or of all members of an interface or union. Undefined: the members are guarded differently. */
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
      const guard = describeGuard(schema, requirementsOf(schema, member, member.name))
      return `${member.name} (${guard || 'not at all'})`
    })
    .join(', ')
}

/** As SDL would write the requirements: `@auth(roles: ["admin"]) @auth(maxAge: 300)`. */
export function describeGuard(schema: GraphQLSchema, requirements: readonly Requirement[]): string {
  const name = `@${directiveNameOf(schema)}`
  return requirements
    .map(requirement => Object.entries(requirement).map(([key, value]) => `${key}: ${describeValue(value)}`))
    .map(named => (named.length > 0 ? `${name}(${named.join(', ')})` : name))
    .join(' ')
}

function describeValue(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(describeValue).join(', ')}]` : JSON.stringify(value)
}

/** Each requirement once. */
export function unique(requirements: readonly Requirement[]): readonly Requirement[] {
  return [...new Map(requirements.map(requirement => [keyOf(requirement), requirement])).values()]
}

/** Equal texts for equal requirements. The order of roles and scopes does not matter. */
function keyOf({ roles, scopes, maxAge, mfa = false }: Requirement): string {
  const sortedScopes = scopes?.map(all => JSON.stringify([...all].sort())).sort()
  return JSON.stringify([roles && [...roles].sort(), sortedScopes, maxAge, mfa])
}

/** Equal texts for equal guards. */
export function keyOfAll(requirements: readonly Requirement[]): string {
  return requirements.map(keyOf).sort().join()
}
