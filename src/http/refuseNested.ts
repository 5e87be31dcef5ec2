import type { FastifyInstance } from 'fastify'
import { GraphQLError } from 'graphql'
import { checkNesting } from '../graphql/bounds.ts'

/** Refuses a document that is nested too deeply before Apollo Server parses it. */
export function refuseNested(app: FastifyInstance): void {
  // Not async: a promise would cost every request more than the check.
  app.addHook('preHandler', (request, reply, done) => {
    try {
      checkNesting(documentOf(request.body))
      checkNesting(documentOf(request.query))
      done()
    } catch (error) {
      if (!(error instanceof GraphQLError)) return done(error as Error)
      const code = String(error.extensions.code)
      request.note.code = code
      reply.status(400).send({ errors: [{ message: error.message, extensions: { code } }] })
    }
  })
}

function documentOf(parameters: unknown): string {
  const isRecord = typeof parameters === 'object' && parameters !== null
  return isRecord && 'query' in parameters && typeof parameters.query === 'string' ? parameters.query : ''
}
