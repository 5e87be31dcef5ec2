import { defaultFieldResolver, type GraphQLSchema, isObjectType } from 'graphql'
import { behindGuard } from './guarded.ts'
import { readGuards } from './guards.ts'
import type { Requirement } from './requirements.ts'

/** A field, and what guards it. */
export interface FieldGuard {
  /** The type and the field: `Query.me`. */
  readonly field: string
  /**
   * What must hold before the field's resolver runs: all of it, and a live session. `{}` asks for a live session only.
   * Empty: nothing is asked, and the field is public.
   */
  readonly guard: readonly Requirement[]
}

/**
 * Lists every field of the schema's object types with what guards it: its own `@auth` or `extensions.auth`, that of its
 * type, and that of the type that it returns. Introspection is left out.
 *
 * @param schema guarded or not
 * @returns sorted by the field's name
 * @throws SchemaError with the place of a guard that could not be enforced
 * @example
 * const open = listGuards(schema).filter(({ field, guard }) => field.startsWith('Mutation.') && guard.length === 0)
 */
export function listGuards(schema: GraphQLSchema): readonly FieldGuard[] {
  const guards = readGuards(schema)
  const subscription = schema.getSubscriptionType()
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap(type =>
      Object.values(type.getFields()).map(({ name, resolve, subscribe }) => {
        const field = `${type.name}.${name}`
        // A merge may have lost the directives of a schema that was guarded before it.
        const guard = (type === subscription ? subscribe : resolve) ?? defaultFieldResolver
        return { field, guard: behindGuard(guard, guards.get(field) ?? []).requirements }
      }),
    )
    .sort((one, other) => (one.field < other.field ? -1 : 1))
}
