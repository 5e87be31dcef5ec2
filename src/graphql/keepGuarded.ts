import { type GraphQLField, type GraphQLObjectType, type GraphQLSchema, isObjectType } from 'graphql'
import { type GuardOfField, guardsOfFields, type Resolvers } from './directive.ts'
import { isGuarded } from './guardedMark.ts'
import { SchemaError } from './requirements.ts'

/**
 * Guards a schema in place, and keeps it guarded: a resolver that is put on a guarded field later is guarded in its
 * turn. For servers that replace resolvers of a schema which they were given (Mercurius: resolvers and loaders).
 *
 * @throws SchemaError with the place of a directive that could not be enforced
 */
export function keepGuarded(schema: GraphQLSchema): void {
  const guard = guardsOfFields(schema)
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    const isSubscription = type === schema.getSubscriptionType()
    for (const name of Object.keys(type.getFields()))
      if (isSubscription) keepField(type, name, guard)
      else keepResolvers(type.getFields()[name], type.name, name, guard)
  }
}

const ensured = new WeakSet<GraphQLSchema>()

/**
 * For a server that is given a schema: refuses one that guardSchema has not made, and guards in place what stands
 * unguarded in one that it has. Tools that merge schemas, or put other resolvers into one, keep the mark of a guarded
 * schema (guardedMark.ts), and leave out guards. What is guarded already stays as it is.
 *
 * @param refusal the message about a schema without the mark
 * @throws SchemaError, also with the place of a directive that could not be enforced
 */
export function ensureGuarded(schema: GraphQLSchema, refusal: string): void {
  if (ensured.has(schema)) return
  if (!isGuarded(schema)) throw new SchemaError(refusal)
  const guard = guardsOfFields(schema)
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const { resolve, subscribe } = guard<Resolvers>(resolversOf(field), type.name, field.name)
      Object.assign(field, { ...(resolve && { resolve }), ...(subscribe && { subscribe }) })
    }
  }
  ensured.add(schema)
}

/** The message about an unguarded schema, of a server that an app has given it to. */
export function givenUnguarded(server: string): string {
  return `${server} has been given a schema whose @auth nobody enforces: build it with auth.schema(…), or with auth.guard(schema).`
}

/** Mercurius puts a whole new field in the place of a subscription's field. */
function keepField(type: GraphQLObjectType, name: string, guard: GuardOfField): void {
  const fields = type.getFields()
  let current = fields[name]
  keepResolvers(current, type.name, name, guard)
  Object.defineProperty(fields, name, {
    enumerable: true,
    configurable: true,
    get: () => current,
    set(field) {
      current = field
      keepResolvers(current, type.name, name, guard)
    },
  })
}

function keepResolvers(
  field: Resolvers | undefined,
  typeName: string,
  name: string,
  guard: GuardOfField,
): void {
  if (field === undefined) return
  let guarded = guard<Resolvers>(resolversOf(field), typeName, name)
  for (const part of ['resolve', 'subscribe'] as const)
    Object.defineProperty(field, part, {
      enumerable: true,
      configurable: true,
      get: () => guarded[part],
      set(resolver) {
        guarded = guard({ ...guarded, [part]: resolver }, typeName, name)
      },
    })
}

function resolversOf({ resolve, subscribe }: GraphQLField<unknown, unknown> | Resolvers): Resolvers {
  return { ...(resolve && { resolve }), ...(subscribe && { subscribe }) } as Resolvers
}
