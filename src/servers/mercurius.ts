import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GraphQLSchema, ValidationRule } from 'graphql'
import type { MercuriusCommonOptions, MercuriusPlugin } from 'mercurius'
import { type Auth, insidesOf } from '../auth.ts'
import { keepGuarded } from '../graphql/keepGuarded.ts'
import { noIntrospection } from '../graphql/noIntrospection.ts'
import { bodyLimitBytes } from '../http/answerErrors.ts'
import { refuseUnknownOptions } from '../names.ts'
import type { AuthContext, GraphQLContext } from '../request/context.ts'
import { mercuriusAnswers } from './mercuriusAnswers.ts'
import { checkRequests } from './mercuriusBounds.ts'
import { completeVariables } from './mercuriusDefaults.ts'
import { mercuriusErrors } from './mercuriusErrors.ts'
import { takeOperations } from './mercuriusOperations.ts'
import { mercuriusSockets } from './mercuriusSockets.ts'

declare module 'mercurius' {
  interface MercuriusContext {
    /** The sender of the request (`annul/mercurius`). */
    readonly auth: AuthContext
  }
}

type Option<Name extends keyof MercuriusCommonOptions> = NonNullable<MercuriusCommonOptions[Name]>
type Values = Record<string, unknown>

/** What an app has of Mercurius' options beside Annul's. Given here, they are combined with Annul's. */
export interface MercuriusAdditions {
  /** What the context holds beside `auth`. */
  readonly context?: (request: FastifyRequest, reply: FastifyReply) => object | Promise<object>
  /**
   * What the context of an operation on a WebSocket holds beside `auth`, `app`, `pubsub`, `reply` and `request`.
   *
   * @param init the payload of connection_init, without the access token
   */
  readonly socketContext?: (request: FastifyRequest, init: Values) => object | Promise<object>
  readonly validationRules?: readonly ValidationRule[]
  /** Carried out before the schema is guarded. */
  readonly schemaTransforms?: readonly ((schema: GraphQLSchema) => GraphQLSchema)[]
  /** Where events come from: `emitter` or `pubsub` of Mercurius' `subscription`. */
  readonly subscription?: Pick<Exclude<Option<'subscription'>, boolean>, 'emitter' | 'pubsub'>
  /** The hooks of an app run after Annul's. */
  readonly additionalRouteOptions?: Option<'additionalRouteOptions'>
}

const additions = [
  'context',
  'socketContext',
  'validationRules',
  'schemaTransforms',
  'subscription',
  'additionalRouteOptions',
]

/** Options of Mercurius. */
export interface MercuriusSettings {
  readonly context: (request: FastifyRequest, reply: FastifyReply) => Promise<Values & GraphQLContext>
  readonly errorFormatter: Option<'errorFormatter'>
  readonly errorHandler: true
  readonly graphql: { readonly parseOptions: { readonly maxTokens: number } }
  readonly validationRules: ValidationRule[]
  readonly schemaTransforms: ((schema: GraphQLSchema) => GraphQLSchema)[]
  readonly subscription: Exclude<Option<'subscription'>, boolean>
  readonly additionalRouteOptions: Option<'additionalRouteOptions'>
}

/**
 * Options of Mercurius 16, by which it speaks Annul's contract: `auth` in the context, cookies, statuses and headers,
 * masked errors, bounds, subscriptions whose sockets live as long as their tokens.
 *
 * Resolvers and loaders that are given to Mercurius, at any time, are guarded by the `@auth` of their fields.
 *
 * @param own options of the app that are to be combined with Annul's. Any other option of Mercurius stands beside
 * @throws TypeError when `auth` is not what createAuth has returned, or for an unknown name in `own`
 * @example
 * app.register(mercurius, { schema: auth.schema({ typeDefs, resolvers }), ...annulMercurius(auth) })
 */
export function annulMercurius(auth: Auth, own: MercuriusAdditions = {}): MercuriusSettings {
  const opened = insidesOf(auth)
  const hint = ' Options of Mercurius itself stand beside annulMercurius(auth).'
  refuseUnknownOptions('annulMercurius', own, additions, hint)
  const { bounds } = opened
  const { introspection } = opened.parts.config
  const guarded = new WeakSet<GraphQLSchema>()
  const ensureGuarded = (schema: GraphQLSchema) => {
    if (guarded.has(schema)) return
    keepGuarded(schema)
    guarded.add(schema)
  }
  const complete = completeVariables()
  const hooked = new WeakSet<MercuriusPlugin>()
  const ensureHooked = (plugin: MercuriusPlugin) => {
    if (hooked.has(plugin)) return
    hooked.add(plugin)
    plugin.addHook('preExecution', async (schema, document, _context, variables) => {
      bounds.check(schema, document, variables)
      const completed = complete(schema, document, variables)
      return completed && { variables: completed }
    })
  }
  const answers = mercuriusAnswers(opened, own.context)
  const sockets = mercuriusSockets(opened, own.socketContext)
  const route = own.additionalRouteOptions ?? {}

  return {
    context: answers.context,
    errorFormatter: mercuriusErrors(opened),
    errorHandler: true,
    graphql: { parseOptions: { maxTokens: bounds.tokens } },
    validationRules: [
      // The schema may be another one by now (extendSchema, replaceSchema), and this is the last place before it is used.
      context => {
        ensureGuarded(context.getSchema())
        return {}
      },
      ...(introspection ? [] : [noIntrospection]),
      ...(own.validationRules ?? []),
    ],
    schemaTransforms: [
      ...(own.schemaTransforms ?? []),
      schema => {
        const transformed = opened.guard(schema)
        ensureGuarded(transformed)
        return transformed
      },
    ],
    subscription: { ...own.subscription, context: sockets.refuse },
    additionalRouteOptions: {
      bodyLimit: bodyLimitBytes,
      ...route,
      // Mercurius' own schema of the answer would turn numbers in a path into texts.
      serializerCompiler: () => JSON.stringify,
      preValidation: [
        async function admit(request, reply) {
          answers.begin(request)
          ensureGuarded(this.graphql.schema)
          ensureHooked(this.graphql)
          return sockets.open(this, request, reply)
        },
        ...listOf(route.preValidation),
      ],
      preHandler: [
        takeOperations(opened.operations),
        checkRequests(bounds.tokens),
        ...listOf(route.preHandler),
        answers.prepare,
      ],
      preSerialization: [answers.finish, ...listOf(route.preSerialization)],
    },
  }
}

function listOf<T>(hooks: T | T[] | undefined): T[] {
  if (hooks === undefined) return []
  return Array.isArray(hooks) ? hooks : [hooks]
}
