import type { FastifyReply, FastifyRequest } from 'fastify'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { annulExtension, refusalOf } from '../graphql/answer.ts'
import { type AuthContext, type GraphQLContext, stateOf } from '../request/context.ts'
import { responseOf } from '../request/openContext.ts'
import { mercuriusErrors } from './mercuriusErrors.ts'

type Values = Record<string, unknown>
type OwnContext = ((request: FastifyRequest, reply: FastifyReply) => object | Promise<object>) | undefined

/** A context as Mercurius uses it. Each operation of a batch has one of its own, which inherits from the request's. */
interface MercuriusContext extends GraphQLContext {
  readonly operationId?: number
}

interface Result {
  readonly data?: unknown
  readonly errors?: readonly GraphQLFormattedError[]
  readonly extensions?: Record<string, unknown>
}

/** For Mercurius: the context of a request, and the status, the headers and `extensions.annul` of its answer. */
export function mercuriusAnswers(auth: OpenedAuth, own: OwnContext) {
  /** What was asked about the sender of each operation of a request, by the operation's place in a batch. */
  const contexts = new WeakMap<FastifyRequest, AuthContext[]>()
  /** What the app has put beside `auth`. */
  const added = new WeakMap<FastifyRequest, Values>()
  const errors = mercuriusErrors(auth)

  return {
    /** To be called before anything else of a request. */
    begin(request: FastifyRequest): void {
      contexts.set(request, [])
    },

    /**
     * Asks the app for its part of the context. Not within `context`: Mercurius makes a context for errors too, and what
     * is thrown there reaches the client.
     */
    async prepare(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      if (own) added.set(request, { ...(await own(request, reply)) })
    },

    async context(request: FastifyRequest, reply: FastifyReply): Promise<Values & GraphQLContext> {
      const response = responseOf(reply)
      // Opened when somebody asks: decisions of one operation hold for no other operation of the batch.
      const read = ({ operationId = 0 }: MercuriusContext): AuthContext => {
        const opened = contexts.get(request)
        if (opened === undefined)
          throw new Error(
            'Mercurius runs without the additionalRouteOptions of annulMercurius: give those of the app to ' +
              'annulMercurius(auth, { additionalRouteOptions }).',
          )
        opened[operationId] ??= auth.context(request, response).auth
        return opened[operationId]
      }
      const context = {
        get auth(): AuthContext {
          return read(this)
        },
      }
      const values = added.get(request)
      if (values === undefined) return context
      // Not spread: each operation of a batch reads `auth` when it is asked for.
      const { auth: _, ...descriptors } = Object.getOwnPropertyDescriptors(values)
      return Object.create(context, descriptors)
    },

    /** The last hook before an answer is written. */
    async finish(request: FastifyRequest, reply: FastifyReply, answer: unknown): Promise<unknown> {
      const opened = contexts.get(request) ?? []
      // Answers carry tokens, or depend on one.
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
      if (Array.isArray(answer)) {
        // Whatever became of the single operations.
        reply.code(200)
        return Promise.all(answer.map((result, at) => extend(told(result), opened[at])))
      }
      const result: Result = Object(answer)
      const refusal = refusalOf(result.data, result.errors)
      if (refusal) reply.code(refusal.status).header(...refusal.header)
      return extend(result, opened[0])
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

async function extend(result: Result, auth: AuthContext | undefined): Promise<Result> {
  const annul = auth && (await annulExtension(stateOf(auth)))
  return annul ? { ...result, extensions: { ...result.extensions, annul } } : result
}
