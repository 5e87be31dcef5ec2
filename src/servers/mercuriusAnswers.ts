import type { FastifyReply, FastifyRequest } from 'fastify'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { annulExtension } from '../graphql/answer.ts'
import { isSubgraph } from '../graphql/federation.ts'
import { refusalOf } from '../graphql/refusal.ts'
import { type AuthContext, type GraphQLContext, stateOf } from '../request/context.ts'
import { responseOf } from '../request/handedOver.ts'
import { mercuriusErrors } from './mercuriusErrors.ts'

type Values = Record<string, unknown>
type OwnContext = ((request: FastifyRequest, reply: FastifyReply) => object | Promise<object>) | undefined

/** What was asked about the sender of each operation of a request, by the operation's place in a batch. */
const opened = Symbol('annul: opened')
/** What the app has put beside `auth`. */
const added = Symbol('annul: added')
/** The AuthContext of one operation. */
const authOf = Symbol('annul: authOf')

/** A request keeps these itself. A look-up of them by the request, in a WeakMap, costs as much as a decision. */
interface KeepingRequest extends FastifyRequest {
  [opened]?: AuthContext[]
  [added]?: Values
}

/**
 * A context as Mercurius uses it. Each operation of a batch has one of its own, which inherits from the request's.
 *
 * A class, because an object literal with a getter becomes a dictionary in the engine, which keeps it, and the request
 * with it, until a full collection: that was a third of the time of a request.
 */
class MercuriusContext implements GraphQLContext {
  declare readonly operationId?: number
  readonly [authOf]: (operationId: number) => AuthContext

  constructor(open: (operationId: number) => AuthContext) {
    this[authOf] = open
  }

  get auth(): AuthContext {
    return this[authOf](this.operationId ?? 0)
  }
}

interface Result {
  readonly data?: unknown
  readonly errors?: readonly GraphQLFormattedError[]
  readonly extensions?: Record<string, unknown>
}

/** For Mercurius: the context of a request, and the status, the headers and `extensions.annul` of its answer. */
export function mercuriusAnswers(auth: OpenedAuth, own: OwnContext) {
  const errors = mercuriusErrors(auth)

  return {
    /** To be called before anything else of a request. */
    begin(request: KeepingRequest): void {
      request[opened] = []
    },

    /**
     * Asks the app for its part of the context. Not within `context`: Mercurius makes a context for errors too, and what
     * is thrown there reaches the client.
     */
    async prepare(request: KeepingRequest, reply: FastifyReply): Promise<void> {
      if (own) request[added] = { ...(await own(request, reply)) }
    },

    async context(request: KeepingRequest, reply: FastifyReply): Promise<Values & GraphQLContext> {
      // Opened when somebody asks: decisions of one operation hold for no other operation of the batch.
      const context = new MercuriusContext(operationId => {
        const contexts = request[opened]
        if (contexts === undefined)
          throw new Error(
            'Mercurius runs without the additionalRouteOptions of annulMercurius: give those of the app to ' +
              'annulMercurius(auth, { additionalRouteOptions }).',
          )
        contexts[operationId] ??= auth.context(request, responseOf(reply)).auth
        return contexts[operationId]
      })
      const values = request[added]
      if (values === undefined) return context as Values & MercuriusContext
      // Not spread: each operation of a batch reads `auth` when it is asked for.
      const { auth: _, ...descriptors } = Object.getOwnPropertyDescriptors(values)
      return Object.create(context, descriptors)
    },

    /** The last hook before an answer is written. */
    async finish(request: KeepingRequest, reply: FastifyReply, answer: unknown): Promise<unknown> {
      const contexts = request[opened] ?? []
      // Answers carry tokens, or depend on one.
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
      if (Array.isArray(answer)) {
        // Whatever became of the single operations.
        reply.code(200)
        return Promise.all(answer.map((result, at) => extend(told(result), contexts[at])))
      }
      const result: Result = Object(answer)
      const refusal = refusalOf(result.data, result.errors)
      if (isSubgraph(request.server.graphql?.schema)) reply.code(200)
      else if (refusal) reply.code(refusal.status).header(...refusal.header)
      return extend(result, contexts[0])
    },
  }

  /** Mercurius answers an operation without a document with an error in the place of a result. */
  function told(result: unknown): Result {
    if (!(result instanceof Error)) return Object(result)
    const { originalError = result, message } = Object(result)
    return errors(
      { errors: [new GraphQLError(message, { originalError })] },
      {} as Parameters<typeof errors>[1],
    ).response as Result
  }
}

/** With `extensions.annul`; usually at once. */
function extend(result: Result, auth: AuthContext | undefined): Result | Promise<Result> {
  const extending = auth && annulExtension(stateOf(auth))
  if (extending === undefined) return result
  return extending.then(annul =>
    annul ? { ...result, extensions: { ...result.extensions, annul } } : result,
  )
}
