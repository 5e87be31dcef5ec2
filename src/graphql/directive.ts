import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils'
import {
  defaultFieldResolver,
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  locatedError,
  responsePathAsArray,
} from 'graphql'
import { AuthError, forbidden, reauthenticationRequired } from '../errors.ts'
import { guardEvents } from './guardEvents.ts'

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
    /** Drops the remembered decision, so that the next guarded field decides anew. */
    forget(): void
    now(): number
  }
}

/** The arguments of one `@auth`. */
interface Requirement {
  readonly roles?: readonly string[]
  readonly scopes?: readonly (readonly string[])[]
  readonly maxAge?: number
}

/** `@auth` stands where it could not be enforced. Thrown when the schema is built, never at a request. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

/**
 * Enforces `@auth`: each field that it guards, itself or through its type, asks who sends the request before its
 * resolver runs. Where both a type and its field carry `@auth`, both must hold.
 *
 * @throws SchemaError with the place of a directive that could not be enforced
 */
export function guardSchema(schema: GraphQLSchema): GraphQLSchema {
  refuseUnenforceable(schema)
  const mutationName = schema.getMutationType()?.name
  const subscriptionName = schema.getSubscriptionType()?.name
  return mapSchema(schema, {
    [MapperKind.OBJECT_FIELD]: (field, fieldName, typeName) => {
      const requirements = [
        ...requirementsOf(schema, schema.getType(typeName), typeName),
        ...requirementsOf(schema, field, `${typeName}.${fieldName}`),
      ]
      if (typeName === subscriptionName)
        return guardSubscription(field, [...requirements, ...returnedRequirements(schema, field.type)])
      return requirements.length > 0 ? guardField(field, requirements, typeName === mutationName) : undefined
    },
  })
}

/** Whether the schema has a subscription that anybody may listen to. */
export function hasPublicSubscription(schema: GraphQLSchema): boolean {
  const type = schema.getSubscriptionType()
  if (!type || requirementsOf(schema, type, type.name).length > 0) return false
  return Object.values(type.getFields()).some(
    field =>
      requirementsOf(schema, field, `${type.name}.${field.name}`).length === 0 &&
      returnedRequirements(schema, field.type).length === 0,
  )
}

/** Of the type that a field returns. */
function returnedRequirements(schema: GraphQLSchema, returned: GraphQLOutputType): Requirement[] {
  const type = getNamedType(returned)
  return isObjectType(type) ? requirementsOf(schema, type, type.name) : []
}

type Field = GraphQLFieldConfig<unknown, GuardContext>

/**
 * A subscription outlives the decision that it began with. So each of its events is decided anew, before graphql
 * resolves anything of it; the fields of that event share the decision.
 */
function guardSubscription(field: Field, requirements: readonly Requirement[]): Field {
  // A field without `subscribe` of its own takes its events from the root value.
  const begun = { ...field, subscribe: field.subscribe ?? defaultFieldResolver }
  const guarded = requirements.length > 0 ? guardField(begun, requirements, false) : begun
  const { subscribe } = guarded
  return {
    ...guarded,
    async subscribe(source, args, context, info) {
      const events: unknown = await subscribe?.(source, args, context, info)
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
    },
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

function guardField(field: Field, requirements: readonly Requirement[], isRootMutation: boolean): Field {
  const guard =
    (resolve: GraphQLFieldResolver<unknown, GuardContext>): GraphQLFieldResolver<unknown, GuardContext> =>
    (source, args, context, info) => {
      const { auth } = context
      if (!auth)
        throw new Error('The context has no "auth": build it with the context function of createAuth.')
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

  return {
    ...field,
    resolve: guard(field.resolve ?? defaultFieldResolver),
    ...(field.subscribe && { subscribe: guard(field.subscribe) }),
  }
}

function check(decision: Guarded | AuthError, requirements: readonly Requirement[], now: number): void {
  if (decision instanceof AuthError) throw decision
  for (const required of requirements) {
    const { roles, scopes, maxAge } = required
    const allowed =
      (roles === undefined || roles.some(role => decision.roles.includes(role))) &&
      (scopes === undefined || scopes.some(all => all.every(scope => decision.scopes.includes(scope))))
    if (!allowed) throw forbidden({ ...(roles && { roles }), ...(scopes && { scopes }) })
    if (maxAge !== undefined && now - decision.claims.auth_time > maxAge)
      throw reauthenticationRequired(maxAge)
  }
}

function requirementsOf(schema: GraphQLSchema, carrier: unknown, place: string): Requirement[] {
  if (typeof carrier !== 'object' || carrier === null) return []
  const found = readDirective(schema, carrier, place)
  for (const requirement of found) refuseEmpty(requirement, place)
  return found
}

/** graphql's words about an argument's value don't say where it stands. */
function readDirective(schema: GraphQLSchema, carrier: object, place: string): Requirement[] {
  try {
    return (getDirective(schema, carrier, 'auth') ?? []) as Requirement[]
  } catch (error) {
    throw new SchemaError(`@auth on ${place}: ${error instanceof Error ? error.message : error}`)
  }
}

/** An empty list, or null, would guard nothing or everything, depending on who reads it. */
function refuseEmpty(requirement: Requirement, place: string): void {
  const { roles, scopes, maxAge } = requirement
  const refuse = (what: string) => {
    throw new SchemaError(`@auth on ${place}: ${what}`)
  }
  for (const [name, value] of Object.entries(requirement)) if (value === null) refuse(`"${name}" is null.`)
  if (roles?.length === 0) refuse('"roles" is empty, so nobody could pass.')
  if (scopes?.length === 0) refuse('"scopes" is empty, so nobody could pass.')
  if (scopes?.some(all => all.length === 0))
    refuse('"scopes" has an empty inner list, so everybody would pass.')
  if (maxAge !== undefined && maxAge < 1) refuse('"maxAge" must be at least 1 second.')
}

/**
 * An interface's field is resolved by the types that implement it, and these don't inherit its directives: a guard
 * there would look safe and guard nothing.
 */
function refuseUnenforceable(schema: GraphQLSchema): void {
  refuseForeignDirective(schema)
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isInterfaceType(type)) continue
    for (const carrier of [type, ...Object.values(type.getFields())]) {
      const place = carrier === type ? type.name : `${type.name}.${carrier.name}`
      if (requirementsOf(schema, carrier, place).length > 0)
        throw new SchemaError(
          `@auth on ${place}: an interface can't be guarded. Put it on the types that implement it.`,
        )
    }
  }
}

const argumentTypes: Record<string, string> = { roles: '[String!]', scopes: '[[String!]!]', maxAge: 'Int' }

/** Another `@auth` (with `roles: [Role!]`, say) has arguments that are not looked at here. */
function refuseForeignDirective(schema: GraphQLSchema): void {
  const directive = schema.getDirective('auth')
  if (!directive) throw new SchemaError('The schema has no directive @auth.')
  for (const { name, type } of directive.args)
    if (argumentTypes[name] !== String(type))
      throw new SchemaError(
        `directive @auth(${name}: ${type}): Annul knows ${name} as ${argumentTypes[name] ?? 'no argument'}.`,
      )
}
