import type { FastifyInstance } from 'fastify'
import { GraphQLError } from 'graphql'
import { checkNesting } from '../graphql/bounds.ts'

/** Refuses a document that is nested too deeply before Apollo Server parses it. */
export function refuseNested(app: FastifyInstance): void {
  app.addHook('preHandler', async (request, reply) => {
    try {
      for (const document of [documentOf(request.body), documentOf(request.query)]) checkNesting(document)
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error
      const code = String(error.extensions.code)
      request.note.code = code
      return reply.status(400).send({ errors: [{ message: error.message, extensions: { code } }] })
    }
  })
}

function documentOf(parameters: unknown): string {
  const isRecord = typeof parameters === 'object' && parameters !== null
  return isRecord && 'query' in parameters && typeof parameters.query === 'string' ? parameters.query : ''
}
