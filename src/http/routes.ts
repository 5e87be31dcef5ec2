import type { FastifyInstance } from 'fastify'
import type { OpenedAuth } from '../auth.ts'
import { addMetrics } from './metricsListener.ts'
import { sendPage, wantsPage } from './page.ts'

/** What everybody may read, pages of any origin too. */
const readableByAll = { 'access-control-allow-origin': '*' }

/** The routes beside /graphql. */
export function addRoutes(app: FastifyInstance, auth: OpenedAuth): void {
  // For a person in a browser. To everybody else there is nothing here.
  app.get('/', async (request, reply) => (wantsPage(request) ? sendPage(reply) : reply.callNotFound()))

  // Verifiers elsewhere may keep the keys for a while: a new one is announced a minute before it signs.
  app.get('/.well-known/jwks.json', async (_request, reply) => {
    reply
      .headers({ ...readableByAll, 'cache-control': 'public, max-age=30' })
      .type('application/jwk-set+json')
    return auth.parts.keys.jwks()
  })

  // The process lives. Says nothing about the database: a restart would not help it.
  app.get('/healthz', async (_request, reply) => {
    reply.headers(readableByAll)
    return { status: 'ok' }
  })

  if (auth.parts.config.metrics === 'on') addMetrics(app, auth.parts.metrics)

  // Requests may be sent here: memory decides, or the database does.
  app.get('/readyz', async (_request, reply) => {
    const ready = await auth.isReady()
    return reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'unavailable' })
  })
}
