import type { FastifyInstance } from 'fastify'
import { GraphQLError } from 'graphql'
import { checkNesting } from '../graphql/bounds/nesting.ts'
import type { OperationBounds } from '../graphql/bounds/operationBounds.ts'

/** Refuses a document that is nested too deeply before Apollo Server parses it. */
export function refuseNested(app: FastifyInstance, { tokens }: Pick<OperationBounds, 'tokens'>): void {
  // Not async: a promise would cost every request more than the check.
  app.addHook('preHandler', (request, reply, done) => {
    try {
      checkNesting(documentOf(request.body), tokens)
      checkNesting(documentOf(request.query), tokens)
      done()
    } catch (error) {
      if (!(error instanceof GraphQLError)) return done(error as Error)
      const code = String(error.extensions.code)
      request.note.code = code
      reply.status(400).send({ errors: [{ message: error.message, extensions: { code } }] })
    }
  })
}

/** The document of a request's body or query; empty: it has none. */
export function documentOf(parameters: unknown): string {
  const isRecord = typeof parameters === 'object' && parameters !== null
  return isRecord && 'query' in parameters && typeof parameters.query === 'string' ? parameters.query : ''
}
