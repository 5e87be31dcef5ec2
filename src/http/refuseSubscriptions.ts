import type { FastifyInstance } from 'fastify'
import {
  GraphQLError,
  type GraphQLSchema,
  Kind,
  parse,
  SingleFieldSubscriptionsRule,
  validate,
} from 'graphql'
import { documentOf } from './refuseNested.ts'

/**
 * Refuses a subscription whose fields depend on a variable. graphql's rule for subscriptions looks for the variable's
 * value, which no validation has, and throws: Apollo Server takes that for a failure of the server.
 */
export function refuseSubscriptions(app: FastifyInstance, schema: GraphQLSchema): void {
  app.addHook('preHandler', (request, reply, done) => {
    const message = complaintOf(documentOf(request.body)) ?? complaintOf(documentOf(request.query))
    if (message === undefined) return done()
    const code = 'GRAPHQL_VALIDATION_FAILED'
    request.note.code = code
    reply.status(400).send({ errors: [{ message, extensions: { code } }] })
  })

  function complaintOf(text: string): string | undefined {
    // Nearly every document ends here.
    if (!text.includes('subscription') || !/@(skip|include)/.test(text.replace(/@\s+/g, '@')))
      return undefined
    try {
      const document = parse(text)
      const isSubscription = document.definitions.some(
        definition =>
          definition.kind === Kind.OPERATION_DEFINITION && definition.operation === 'subscription',
      )
      if (isSubscription) validate(schema, document, [SingleFieldSubscriptionsRule])
    } catch (error) {
      // A text that can't be parsed is Apollo Server's to refuse.
      const isOfRule = error instanceof GraphQLError && !error.message.startsWith('Syntax Error')
      return isOfRule ? error.message : undefined
    }
  }
}
