import type { FastifyInstance } from 'fastify'
import type { OpenedAuth } from '../auth.ts'

/** The routes beside /graphql. */
export function addRoutes(app: FastifyInstance, auth: OpenedAuth): void {
  // Verifiers elsewhere may keep the keys for a while: a new one is announced a minute before it signs.
  app.get('/.well-known/jwks.json', async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=30').type('application/jwk-set+json')
    return auth.parts.keys.jwks()
  })

  // The process lives. Says nothing about the database: a restart would not help it.
  app.get('/healthz', async () => ({ status: 'ok' }))

  app.get('/metrics', async (_request, reply) => {
    const { registry } = auth.parts.metrics
    reply.type(registry.contentType)
    return registry.metrics()
  })

  // Requests may be sent here: memory decides, or the database does.
  app.get('/readyz', async (_request, reply) => {
    const ready = await auth.isReady()
    return reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'unavailable' })
  })
}
