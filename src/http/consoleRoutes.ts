import type { FastifyInstance, FastifyReply } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { openConsole, takesGzip } from './openConsole.ts'
import { sendPage } from './page.ts'
import { uncounted } from './requestsInFlight.ts'

/** Shows a page to a person in a browser. */
export type ShowPage = (reply: FastifyReply) => FastifyReply

/**
 * Adds the files of the console, where ANNUL_CONSOLE is on.
 *
 * @returns what shows the console; where it is off or was not built, what shows a plain page
 */
export function addConsole(
  app: FastifyInstance,
  auth: OpenedAuth,
  schema: GraphQLSchema,
  takesSockets: boolean,
): ShowPage {
  const { config, log } = auth.parts
  if (!config.console) return sendPage
  const opened = openConsole(auth, schema, {
    endpoint: 'graphql',
    subscriptions: takesSockets && schema.getSubscriptionType() != null,
  })
  if (opened === undefined) {
    log.warn({}, 'There is no console in this package: `npm run build` makes it.')
    return sendPage
  }
  // Uncounted: a client that reads slowly would keep the place of a request for as long as it likes.
  app.get<{ Params: { name: string } }>('/console/:name', uncounted, async (request, reply) => {
    const { headers, params } = request
    const found = await opened.file(params.name, takesGzip(headers['accept-encoding']))
    return found ? reply.headers(found.headers).send(found.body) : reply.callNotFound()
  })
  const { headers, body } = opened.page()
  return reply => reply.headers(headers).send(body)
}
