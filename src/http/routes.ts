import type { FastifyInstance } from 'fastify'
import type { OpenedAuth } from '../auth.ts'
import type { ShowPage } from './consoleRoutes.ts'
import { addMetrics } from './metricsListener.ts'
import { wantsPage } from './page.ts'
import { uncounted } from './requestsInFlight.ts'
import { addWellKnown, readableByAll } from './wellKnown.ts'

/** The routes beside /graphql. */
export function addRoutes(app: FastifyInstance, auth: OpenedAuth, showPage: ShowPage): void {
  // A page for a person in a browser. Other clients get 404.
  app.get('/', async (request, reply) => (wantsPage(request) ? showPage(reply) : reply.callNotFound()))

  addWellKnown(app, auth)

  // Whether the process lives. The database does not matter here: a restart of this process would not repair it.
  app.get('/healthz', uncounted, async (_request, reply) => {
    reply.headers(readableByAll)
    return { status: 'ok' }
  })

  if (auth.parts.config.metrics === 'on') addMetrics(app, auth.parts.metrics)

  // Whether requests may be sent here: the view is fresh, or the database answers.
  app.get('/readyz', uncounted, async (_request, reply) => {
    const ready = await auth.isReady()
    return reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'unavailable' })
  })
}
