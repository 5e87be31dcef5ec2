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
import type { AuthError } from '../errors.ts'
import { refuseUnknownOptions } from '../names.ts'
import { withDirectiveName } from './directiveName.ts'
import { guardEvents } from './guardEvents.ts'
import { behindGuard, noteGuard } from './guarded.ts'
import { markGuarded } from './guardedMark.ts'
import { readGuards } from './guards.ts'
import { listGuards } from './listGuards.ts'
import { check, type Guarded } from './meets.ts'
import { extensionsWith, referencesOf } from './references.ts'
import type { Requirement } from './requirements.ts'

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
 * Enforces `@auth`, and `extensions: { auth: … }` in a schema that is built in code, which means the same: `true` for any
 * live session, or `{ roles, scopes, maxAge, mfa }`. A field is guarded by its own guards, by those of its type, and by those
 * of the type that it returns; all of them must hold. The sender is checked before the field's resolver runs. A schema
 * that is guarded already stays as it is.
 *
 * @param options.directive what `@auth` is called in the schema, without the `@`; default: `auth`. The key in
 *   `extensions` keeps its name
 * @throws SchemaError with the place of a guard that could not be enforced
 * @example
 * const schema = guardSchema(makeExecutableSchema({ typeDefs, resolvers }))
 * @example
 * const notes = { type: new GraphQLList(Note), extensions: { auth: { roles: ['editor'] } }, resolve: readNotes }
 * const schema = guardSchema(new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { notes } }) }))
 */
export function guardSchema(given: GraphQLSchema, options: GuardOptions = {}): GraphQLSchema {
  refuseUnknownOptions('guardSchema', options, ['directive'])
  const schema = options.directive === undefined ? given : withDirectiveName(given, options.directive)
  const guards = readGuards(schema)
  const guard = guardsOfFields(schema, guards)
  const referencesFor = (type: GraphQLObjectType | GraphQLInterfaceType) =>
    guardReferences(type, guards.get(`${type.name}.__resolveReference`) ?? [])
  const guarded = mapSchema(schema, {
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
  return markGuarded(guarded)
}

/** How `guardSchema` reads a schema. */
export interface GuardOptions {
  /** What `@auth` is called in the schema, without the `@`; default `auth`. */
  readonly directive?: string
}

/** The part of a field that is guarded. */
export type Resolvers = Pick<GraphQLFieldConfig<unknown, GuardContext>, 'resolve' | 'subscribe'>

/** Guards a field of a schema. Guarding a guarded field changes nothing. */
export type GuardOfField = <F extends Resolvers>(field: F, typeName: string, fieldName: string) => F

/** @throws SchemaError with the place of a guard that could not be enforced */
export function guardsOfFields(schema: GraphQLSchema, guards = readGuards(schema)): GuardOfField {
  const mutationName = schema.getMutationType()?.name
  const subscriptionName = schema.getSubscriptionType()?.name
  return (field, typeName, fieldName) => {
    const requirements = guards.get(`${typeName}.${fieldName}`) ?? []
    if (typeName === subscriptionName) return guardSubscription(field, requirements)
    return guardField(field, requirements, typeName === mutationName)
  }
}

/** Whether the schema has a subscription that anybody may listen to. */
export function hasPublicSubscription(schema: GraphQLSchema): boolean {
  const type = schema.getSubscriptionType()?.name
  return listGuards(schema).some(({ field, guard }) => field.startsWith(`${type}.`) && guard.length === 0)
}

type Resolver = GraphQLFieldResolver<unknown, GuardContext>

/**
 * A subscription outlives the decision that it began with. So each of its events is decided anew, before graphql
 * resolves anything of it; the fields of that event share the decision.
 */
function guardSubscription<F extends Resolvers>(field: F, read: readonly Requirement[]): F {
  // A field without `subscribe` of its own takes its events from the root value.
  const { inner, requirements } = behindGuard(field.subscribe ?? defaultFieldResolver, read)
  const subscribe = requirements.length > 0 ? guardResolver(inner, requirements, false) : inner
  const guardedEvents: Resolver = async (source, args, context, info) => {
    const events: unknown = await subscribe(source, args, context, info)
    // Anything else is graphql's to complain about.
    if (!isAsyncIterable(events)) return events
    return guardEvents(events, async () => {
      const { auth } = context
      if (!auth || requirements.length === 0) return auth?.forget()
      try {
        check(await auth.decide(true), requirements, auth)
      } catch (error) {
        // With the path of the field, as every other error of a field.
        throw locatedError(error, info.fieldNodes, responsePathAsArray(info.path))
      }
    })
  }
  const resolved: Resolvers = field.resolve ? { resolve: field.resolve } : {}
  return {
    ...field,
    ...guardField(resolved, requirements, false),
    subscribe: noteGuard(guardedEvents, { inner, requirements }),
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

function guardField<F extends Resolvers>(field: F, read: readonly Requirement[], isRootMutation: boolean): F {
  const guard = (resolve: Resolver): Resolver => {
    const { inner, requirements } = behindGuard(resolve, read)
    if (requirements.length > 0)
      return noteGuard(guardResolver(inner, requirements, isRootMutation), { inner, requirements })
    return isRootMutation ? noteGuard(decideAnew(inner), { inner, requirements }) : resolve
  }
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
function decideAnew(resolve: Resolver): Resolver {
  return (source, args, context: GuardContext | undefined, info) => {
    context?.auth?.forget()
    return resolve(source, args, context as GuardContext, info)
  }
}

function guardReferences(type: GraphQLObjectType | GraphQLInterfaceType, read: readonly Requirement[]) {
  const resolveReference = referencesOf<GuardContext>(type)
  if (!resolveReference) return undefined
  const { inner, requirements } = behindGuard(resolveReference, read)
  if (requirements.length === 0) return undefined
  const guarded = guardResolver(
    (reference, _args, context, info) => inner(reference as object, context, info),
    requirements,
    false,
  )
  // Async, so that a refusal rejects one entity of the list. A synchronous throw would reject the whole list.
  const guard: typeof inner = async (reference, context, info) => guarded(reference, {}, context, info)
  return extensionsWith<GuardContext>(type, noteGuard(guard, { inner, requirements }))
}

function guardResolver(
  resolve: Resolver,
  requirements: readonly Requirement[],
  isRootMutation: boolean,
): Resolver {
  return (source, args, context, info) => {
    const { auth } = context
    if (!auth) throw new Error('The context has no "auth": make it by `await auth.context(…)`.')
    const decision = auth.decide(isRootMutation)
    // A decision from memory is no promise, and stays synchronous.
    if (decision instanceof Promise)
      return decision.then(later => {
        check(later, requirements, auth)
        return resolve(source, args, context, info)
      })
    check(decision, requirements, auth)
    return resolve(source, args, context, info)
  }
}
