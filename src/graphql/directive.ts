import { MapperKind, mapSchema } from '@graphql-tools/utils'
import {
  defaultFieldResolver,
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  GraphQLInterfaceType,
  GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'
import { AuthError, forbidden, reauthenticationRequired } from '../errors.ts'
import { readGuards } from './guards.ts'
import { extensionsWith, referencesOf } from './references.ts'
import type { Requirement } from './requirements.ts'

/** The claims that `@auth` looks at. */
interface Guarded {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly claims: { readonly auth_time: number }
}

/** The part of the context that `@auth` needs. */
interface GuardContext {
  readonly auth?: {
    decide(again?: boolean): Guarded | AuthError | Promise<Guarded | AuthError>
    /** Forgets the decision of the root mutation field before. */
    forget(): void
    now(): number
  }
}

/**
 * Enforces `@auth`: each field that it guards, itself or through its type or the type that it returns, asks who sends
 * the request before its resolver runs. Where several of these carry `@auth`, all must hold.
 *
 * @throws SchemaError with the place of a directive that could not be enforced
 * @example
 * const schema = guardSchema(makeExecutableSchema({ typeDefs, resolvers }))
 */
export function guardSchema(schema: GraphQLSchema): GraphQLSchema {
  const guards = readGuards(schema)
  const mutationName = schema.getMutationType()?.name
  const referencesFor = (type: GraphQLObjectType | GraphQLInterfaceType) =>
    guardReferences(type, guards.get(`${type.name}.__resolveReference`))
  return mapSchema(schema, {
    [MapperKind.OBJECT_TYPE]: type => {
      const extensions = referencesFor(type)
      return extensions && new GraphQLObjectType({ ...type.toConfig(), extensions })
    },
    [MapperKind.INTERFACE_TYPE]: type => {
      const extensions = referencesFor(type)
      return extensions && new GraphQLInterfaceType({ ...type.toConfig(), extensions })
    },
    [MapperKind.OBJECT_FIELD]: (field, fieldName, typeName) => {
      const requirements = guards.get(`${typeName}.${fieldName}`)
      const isRootMutation = typeName === mutationName
      if (requirements) return guardField(field, requirements, isRootMutation)
      return isRootMutation ? decideAnew(field) : undefined
    },
  })
}

type Field = GraphQLFieldConfig<unknown, GuardContext>
type Resolver = GraphQLFieldResolver<unknown, GuardContext>

function guardField(field: Field, requirements: readonly Requirement[], isRootMutation: boolean): Field {
  const guard = (resolve: Resolver) => guardResolver(resolve, requirements, isRootMutation)

  return {
    ...field,
    resolve: guard(field.resolve ?? defaultFieldResolver),
    ...(field.subscribe && { subscribe: guard(field.subscribe) }),
  }
}

/** A field of the root mutation type without a guard: what its resolver asks about the sender is decided anew. */
function decideAnew(field: Field): Field {
  const resolve = field.resolve ?? defaultFieldResolver
  return {
    ...field,
    resolve(source, args, context: GuardContext | undefined, info) {
      context?.auth?.forget()
      return resolve(source, args, context as GuardContext, info)
    },
  }
}

function guardReferences(
  type: GraphQLObjectType | GraphQLInterfaceType,
  requirements?: readonly Requirement[],
) {
  const resolveReference = referencesOf<GuardContext>(type)
  if (!resolveReference || !requirements) return undefined
  const guarded = guardResolver(
    (reference, _args, context, info) => resolveReference(reference as object, context, info),
    requirements,
    false,
  )
  // Asynchronous, so that a refusal empties one entity of the list. A throw would empty the whole list.
  return extensionsWith<GuardContext>(type, async (reference, context, info) =>
    guarded(reference, {}, context, info),
  )
}

function guardResolver(
  resolve: Resolver,
  requirements: readonly Requirement[],
  isRootMutation: boolean,
): Resolver {
  return (source, args, context, info) => {
    const { auth } = context
    if (!auth) throw new Error('The context has no "auth": build it with the context function of createAuth.')
    const decision = auth.decide(isRootMutation)
    // Where memory decides, no promise is made.
    if (decision instanceof Promise)
      return decision.then(later => {
        check(later, requirements, auth.now())
        return resolve(source, args, context, info)
      })
    check(decision, requirements, auth.now())
    return resolve(source, args, context, info)
  }
}

/** The age of the proof is checked last: to prove oneself again is no help where the field is forbidden anyway. */
function check(decision: Guarded | AuthError, requirements: readonly Requirement[], now: number): void {
  if (decision instanceof AuthError) throw decision
  for (const { roles, scopes } of requirements) {
    const allowed =
      (roles === undefined || roles.some(role => decision.roles.includes(role))) &&
      (scopes === undefined || scopes.some(all => all.every(scope => decision.scopes.includes(scope))))
    if (!allowed) throw forbidden({ ...(roles && { roles }), ...(scopes && { scopes }) })
  }
  for (const { maxAge } of requirements)
    if (maxAge !== undefined && now - decision.claims.auth_time > maxAge)
      throw reauthenticationRequired(maxAge)
}
