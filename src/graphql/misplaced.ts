import {
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql'
import { SchemaError } from './requirements.ts'
import { type Carrier, guardNameOn } from './requirementsOf.ts'

const onlyObjects = 'only an object type or a field of one can be guarded.'
/**
 * An interface's field is resolved by the types that implement it, and these don't inherit its directives: a guard on
 * the interface would look safe and guard nothing.
 */
const noInterface = "an interface can't be guarded. Put it on the types that implement it."

/**
 * Refuses every guard that stands where nothing enforces it.
 *
 * @throws SchemaError with the place
 */
export function refuseMisplaced(schema: GraphQLSchema): void {
  for (const [place, carrier, why] of unguardable(schema)) {
    const guard = guardNameOn(schema, carrier)
    if (guard !== undefined) throw new SchemaError(`${guard} on ${place}: ${why}`)
  }
}

type Place = readonly [place: string, carrier: Carrier, why: string]

function* unguardable(schema: GraphQLSchema): Generator<Place> {
  yield ['schema', schema, onlyObjects]
  for (const directive of schema.getDirectives()) {
    yield [`@${directive.name}`, directive, onlyObjects]
    for (const argument of directive.args)
      yield [`@${directive.name}.${argument.name}`, argument, onlyObjects]
  }
  for (const type of Object.values(schema.getTypeMap())) yield* unguardableOf(type)
}

function* unguardableOf(type: GraphQLNamedType): Generator<Place> {
  if (!isObjectType(type)) yield [type.name, type, isInterfaceType(type) ? noInterface : onlyObjects]
  if (isEnumType(type))
    for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value, onlyObjects]
  if (isInputObjectType(type))
    for (const field of Object.values(type.getFields()))
      yield [`${type.name}.${field.name}`, field, onlyObjects]
  if (!isObjectType(type) && !isInterfaceType(type)) return
  for (const field of Object.values(type.getFields())) {
    const place = `${type.name}.${field.name}`
    if (isInterfaceType(type)) yield [place, field, noInterface]
    for (const argument of field.args) yield [`${place}.${argument.name}`, argument, onlyObjects]
  }
}
