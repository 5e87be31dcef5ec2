import { type FastifyInstance, fastify } from 'fastify'
import type { Metrics } from '../metrics.ts'
import type { Address } from '../settingValues.ts'
import { boundConnections, type Limits, listenerOptions } from './limits.ts'
import { uncounted } from './requestsInFlight.ts'
import { urlOf } from './urlOf.ts'

export function addMetrics(app: FastifyInstance, { registry }: Metrics): void {
  app.get('/metrics', uncounted, async (_request, reply) => {
    reply.type(registry.contentType)
    return registry.metrics()
  })
}

/** A listener of its own for /metrics, so that a firewall can close it to others (ANNUL_METRICS=HOST:PORT). */
export async function openMetricsListener({ host, port }: Address, metrics: Metrics, limits: Limits) {
  const app = fastify(listenerOptions(limits))
  boundConnections(app, limits)
  addMetrics(app, metrics)
  await app.listen({ host, port })
  return { url: urlOf(app, host), close: () => app.close() }
}
