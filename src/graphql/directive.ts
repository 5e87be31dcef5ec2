import { MapperKind, mapSchema } from '@graphql-tools/utils'
import {
  defaultFieldResolver,
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  GraphQLInterfaceType,
  GraphQLObjectType,
  type GraphQLSchema,
  locatedError,
  responsePathAsArray,
} from 'graphql'
import { AuthError, forbidden, reauthenticationRequired } from '../errors.ts'
import { guardEvents } from './guardEvents.ts'
import { keyOfAll, readGuards } from './guards.ts'
import { extensionsWith, referencesOf } from './references.ts'
import type { Requirement } from './requirements.ts'

/** The part of a viewer that `@auth` checks. */
interface Guarded {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly claims: { readonly auth_time: number }
}

/** The part of the context that `@auth` needs. */
interface GuardContext {
  readonly auth?: {
    decide(again?: boolean): Guarded | AuthError | Promise<Guarded | AuthError>
    /** Forgets the decision of the root mutation field, or of the event, before. */
    forget(): void
    now(): number
  }
}

/**
 * Enforces `@auth`. A field is guarded by its own `@auth`, by that of its type, and by that of the type that it returns;
 * all of them must hold. The sender is checked before the field's resolver runs.
 *
 * @throws SchemaError with the place of a directive that could not be enforced
 * @example
 * const schema = guardSchema(makeExecutableSchema({ typeDefs, resolvers }))
 */
export function guardSchema(schema: GraphQLSchema): GraphQLSchema {
  const guards = readGuards(schema)
  const guard = guardsOfFields(schema, guards)
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
    [MapperKind.OBJECT_FIELD]: (field, fieldName, typeName) => guard(field, typeName, fieldName),
  })
}

/** The part of a field that is guarded. */
export type Resolvers = Pick<GraphQLFieldConfig<unknown, GuardContext>, 'resolve' | 'subscribe'>

/** Guards a field of a schema. Undefined: the field needs no guard. Guarding a guarded field changes nothing. */
export type GuardOfField = <F extends Resolvers>(
  field: F,
  typeName: string,
  fieldName: string,
) => F | undefined

/** @throws SchemaError with the place of a directive that could not be enforced */
export function guardsOfFields(schema: GraphQLSchema, guards = readGuards(schema)): GuardOfField {
  const mutationName = schema.getMutationType()?.name
  const subscriptionName = schema.getSubscriptionType()?.name
  return (field, typeName, fieldName) => {
    const requirements = guards.get(`${typeName}.${fieldName}`)
    if (typeName === subscriptionName) return guardSubscription(field, requirements ?? [])
    const isRootMutation = typeName === mutationName
    if (requirements) return guardField(field, requirements, isRootMutation)
    return isRootMutation ? decideAnew(field) : undefined
  }
}

/** Whether the schema has a subscription that anybody may listen to. */
export function hasPublicSubscription(schema: GraphQLSchema): boolean {
  const type = schema.getSubscriptionType()
  const guards = readGuards(schema)
  return Object.keys(type?.getFields() ?? {}).some(name => !guards.has(`${type?.name}.${name}`))
}

type Resolver = GraphQLFieldResolver<unknown, GuardContext>

/** What each guard was made to enforce. A schema that is guarded twice has one guard around each resolver. */
const made = new WeakMap<Resolver, string>()

/** The guard around a resolver; the resolver itself, if it is this guard already. */
function once(resolver: Resolver, enforced: string, guard: () => Resolver): Resolver {
  if (made.get(resolver) === enforced) return resolver
  const guarded = guard()
  made.set(guarded, enforced)
  return guarded
}

/**
 * A subscription outlives the decision that it began with. So each of its events is decided anew, before graphql
 * resolves anything of it; the fields of that event share the decision.
 */
function guardSubscription<F extends Resolvers>(field: F, requirements: readonly Requirement[]): F {
  const guard = (resolver: Resolver) =>
    requirements.length > 0 ? guardResolver(resolver, requirements, false) : resolver
  // A field without `subscribe` of its own takes its events from the root value.
  const begin = field.subscribe ?? defaultFieldResolver
  const subscribe = once(begin, `events ${keyOfAll(requirements)}`, () =>
    decideEachEvent(guard(begin), requirements),
  )
  if (requirements.length === 0) return { ...field, subscribe }
  return { ...field, resolve: guard(field.resolve ?? defaultFieldResolver), subscribe }
}

function decideEachEvent(subscribe: Resolver, requirements: readonly Requirement[]): Resolver {
  return async (source, args, context, info) => {
    const events: unknown = await subscribe(source, args, context, info)
    // Anything else is graphql's to complain about.
    if (!isAsyncIterable(events)) return events
    return guardEvents(events, async () => {
      const { auth } = context
      if (!auth || requirements.length === 0) return auth?.forget()
      try {
        check(await auth.decide(true), requirements, auth.now())
      } catch (error) {
        // With the path of the field, as every other error of a field.
        throw locatedError(error, info.fieldNodes, responsePathAsArray(info.path))
      }
    })
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

function guardField<F extends Resolvers>(
  field: F,
  requirements: readonly Requirement[],
  isRootMutation: boolean,
): F {
  const guard = (resolve: Resolver) => guardResolver(resolve, requirements, isRootMutation)

  return {
    ...field,
    resolve: guard(field.resolve ?? defaultFieldResolver),
    ...(field.subscribe && { subscribe: guard(field.subscribe) }),
  }
}

/**
 * For a root mutation field without a guard: if the resolver asks about the sender, the sender is decided anew. No
 * decision holds longer than one root mutation field.
 */
function decideAnew<F extends Resolvers>(field: F): F {
  const resolve = field.resolve ?? defaultFieldResolver
  const anew: Resolver = (source, args, context: GuardContext | undefined, info) => {
    context?.auth?.forget()
    return resolve(source, args, context as GuardContext, info)
  }
  return { ...field, resolve: once(resolve, 'anew', () => anew) }
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
  // Async, so that a refusal rejects one entity of the list. A synchronous throw would reject the whole list.
  return extensionsWith<GuardContext>(type, async (reference, context, info) =>
    guarded(reference, {}, context, info),
  )
}

function guardResolver(
  resolve: Resolver,
  requirements: readonly Requirement[],
  isRootMutation: boolean,
): Resolver {
  const enforced = `${isRootMutation ? 'anew' : 'once'} ${keyOfAll(requirements)}`
  return once(resolve, enforced, () => (source, args, context, info) => {
    const { auth } = context
    if (!auth) throw new Error('The context has no "auth": build it with the context function of createAuth.')
    const decision = auth.decide(isRootMutation)
    // A decision from memory is no promise, and stays synchronous.
    if (decision instanceof Promise)
      return decision.then(later => {
        check(later, requirements, auth.now())
        return resolve(source, args, context, info)
      })
    check(decision, requirements, auth.now())
    return resolve(source, args, context, info)
  })
}

/** Checks `maxAge` last, so that nobody is asked for a password again for a field that stays forbidden. */
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
