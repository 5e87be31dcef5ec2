import type { GraphQLField, GraphQLSchema } from 'graphql'
import { describeGuard } from './guards.ts'
import { type FieldGuard, listGuards } from './listGuards.ts'
import { buildSchema } from './schema.ts'

/** A field as a reviewer sees it. */
export interface ReviewedField {
  /** `Mutation.pay` */
  readonly field: string
  /** As SDL would write the guard: `@auth(roles: ["admin"])`. Empty: nothing guards the field. */
  readonly guard: string
  /** Whether a client can ask for the field first, and change something by it or listen to it. */
  readonly isAction: boolean
  /** Whether the field is Annul's own and needs no guard, such as `Mutation.login`, or `User.email`, which has its own check. */
  readonly isOpenByDesign: boolean
  /** Whether the field is Annul's own and has lost its guard. */
  readonly isStripped: boolean
}

/** Every field of a schema with what guards it, beside what guards it in Annul's own. Sorted by the field's name. */
export function reviewGuards(schema: GraphQLSchema): readonly ReviewedField[] {
  const own = buildSchema()
  const ownGuards = new Map(listGuards(own).map(({ field, guard }) => [field, guard]))
  const actions = [schema.getMutationType(), schema.getSubscriptionType()].map(type => `${type?.name}.`)
  return listGuards(schema).map(({ field, guard }: FieldGuard) => {
    // Another field of the same name is none of Annul's.
    const ownGuard = signatureOf(schema, field) === signatureOf(own, field) ? ownGuards.get(field) : undefined
    const isOpen = guard.length === 0
    return {
      field,
      guard: describeGuard(schema, guard),
      isAction: actions.some(type => field.startsWith(type)),
      isOpenByDesign: isOpen && ownGuard?.length === 0,
      isStripped: isOpen && ownGuard !== undefined && ownGuard.length > 0,
    }
  })
}

function signatureOf(schema: GraphQLSchema, place: string): string | undefined {
  const [typeName = '', name = ''] = place.split('.')
  const type = schema.getType(typeName)
  const fields: Record<string, GraphQLField<unknown, unknown>> = type && 'getFields' in type
    ? (type.getFields() as never)
    : {}
  const field = fields[name]
  return (
    field && `(${field.args.map(argument => `${argument.name}: ${argument.type}`).sort()}): ${field.type}`
  )
}
